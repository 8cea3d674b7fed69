#!/bin/sh
# Makes css/uswds.css, fonts/ and img/ from the U.S. Web Design System, once and by hand: builds of Signet need no Node.js.
# Needs Node.js 20 and npm. Run it here after changing a version or vendor/uswds.scss; look at the difference before you commit.
set -eu
USWDS=3.14.0 SASS=1.108.2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --ignore-scripts --no-audit --no-fund --save-exact "@uswds/uswds@$USWDS" "sass@$SASS" >/dev/null
from=node_modules/@uswds/uswds
npx sass --load-path=$from/packages --style=compressed --no-source-map --quiet "$here/uswds.scss" out.css
python3 "$here/trim.py" out.css "$here/.." $from/dist
