#!/usr/bin/python3
"""Who is signed in, from what mod_shib puts into the environment, as JSON."""
import json
import os

env = os.environ
name = (env.get("nameid", "").split("||") + ["", ""])[:2]
attributes = {key[len("attribute_"):]: value.split(";") for key, value in sorted(env.items()) if key.startswith("attribute_")}
print("Content-Type: application/json\n")
print(json.dumps({
    "sp": "shibboleth", "nameid": name[0], "nameid_format": name[1], "authn_context": env.get("Shib_AuthnContext_Class"),
    "session_index": env.get("Shib_Session_Index"), "idp": env.get("Shib_Identity_Provider"), "attributes": attributes,
}))
