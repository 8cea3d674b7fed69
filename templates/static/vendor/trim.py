"""Keeps of the compiled styles only the two fonts that pages use, and copies the files that the styles name."""
import pathlib
import re
import shutil
import sys

styles, target, dist = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
css = pathlib.Path(styles).read_text(encoding="utf-8")
kept = ("PublicSans-Regular.woff2", "PublicSans-Bold.woff2")
css = re.sub(r"@font-face\{[^}]*\}", lambda m: m.group(0) if any(k in m.group(0) for k in kept) else "", css)
css = css.replace("../fonts/public-sans/", "../fonts/").replace("../img/usa-icons/", "../img/").replace("../img/usa-icons-bg/", "../img/")
(target / "css" / "uswds.css").write_text(css, encoding="utf-8")
for name in kept:
    shutil.copy(dist / "fonts" / "public-sans" / name, target / "fonts" / name)
for name in sorted(set(re.findall(r'url\("?\.\./img/([^")]+)"?\)', css))):
    source = next(dist.glob(f"img/{name}"), None) or next(dist.glob(f"img/usa-icons/{name}"), None) or next(dist.glob(f"img/usa-icons-bg/{name}"))
    shutil.copy(source, target / "img" / name)
