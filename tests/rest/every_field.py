"""Connector files in which every field there is stands once."""

from __future__ import annotations

TOP = '''# A desk.
key = "desk"
name = "Desk"
description = "Tickets."
hub = "helpdesk"
base_url = "https://{subdomain}.example.com/api"
headers = { X-Version = "2" }
setup_steps = [
  "Make a key.",
]

[[fields]]
key = "subdomain"
label = "Subdomain"
hint = """
"""
required = true
secret = false
default = "acme"

[account]
path = "/me"
method = "POST"
body = { fields = ["id"] }
id = "id"
label = "email"

[limits]
calls_per_second = 2.5
calls_a_day = 1000
least_interval_seconds = 60.5
too_fast = [429]
quota_spent = [402]
'''.replace('"""\n"""', '"acme"')
RESOURCE = """
[[resources]]
name = "tickets"
path = "/tickets"
method = "POST"
body = { state = { "is" = 1 } }
description = "Tickets."
records = "data"
absent_is_empty = true
key_field = "id"
id_field = "id"
updated_field = "updated"
created_field = "created"
deleted_field = "gone"
deleted_values = ["yes"]
lists_deleted = false
date_format = "yyyy-MM-dd"
date_zone = "Europe/Berlin"
strategies = ["timestamp"]
parameters = ["project"]
required = ["team"]
labels = ["subject"]
query = { state = "all" }

[[resources.filters]]
field = "updated"
operator = ">="
parameter = "since"
compared = true

[resources.pagination]
"""
SIZED = 'size_parameter = "size"\nsize = 10\nmore = "more"\nlast = "last"\ntotal = "total"\n'
AUTHS = {
    "none": "",
    "header": 'header = "X-Key"\nprefix = "Token "\n',
    "query": 'parameter = "key"\n',
    "basic": "",
    "oauth2_code": 'authorize_url = "https://a.example.com"\ntoken_url = "https://a.example.com"\nscopes = ["a"]\n'
    'parameters = { prompt = "consent" }\npkce = true\n',
    "oauth2_client": 'token_url = "https://a.example.com"\nscopes = ["a"]\nparameters = { audience = "a" }\n',
}
PAGINATIONS = {
    "none": "",
    "page": 'parameter = "p"\nfirst = 0\n' + SIZED,
    "offset": 'parameter = "o"\nfirst = 1\n' + SIZED,
    "cursor": 'parameter = "c"\nnext = "next"\n' + SIZED,
    "after": 'parameter = "a"\nfield = "id"\n' + SIZED,
    "link": SIZED,
    "next_url": 'next = "next"\n' + SIZED,
}


def write(auth="none", pagination="none"):
    return f'{TOP}\n[auth]\nkind = "{auth}"\n{AUTHS[auth]}{RESOURCE}kind = "{pagination}"\n{PAGINATIONS[pagination]}'


FILES = [write(auth) for auth in AUTHS] + [write(pagination=kind) for kind in PAGINATIONS]
