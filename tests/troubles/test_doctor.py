"""Doctor with the rights of an ordinary user."""

from __future__ import annotations

from tests.doctor.looking import PASSWORD, look
from tests.support import write_url
from tests.troubles import ground as grounds


async def test_what_its_user_may_not_do(ground):
    database = await ground.make_database()
    name, url = database["database"], write_url(database)
    assert (await look("rights", database_url=url)).message == f"the user {name} may do what is needed"
    await ground.run("ALTER TABLE event OWNER TO maker", database=name)
    found = await look("rights", database_url=url)
    assert (found.verdict, found.message) == ("failure", f"the user {name} does not own the tables event")
    await ground.run(
        "ALTER SCHEMA public OWNER TO maker", "REVOKE CREATE ON SCHEMA public FROM PUBLIC", database=name
    )
    found = await look("rights", database_url=url)
    assert (found.verdict, found.message) == (
        "failure",
        f"the user {name} may make no tables in the schema public",
    )


async def test_a_wrong_password_and_a_lack_of_connections(ground):
    assert grounds.PASSWORD == PASSWORD  # so that it is looked for in what is told
    database = await ground.make_database()
    found = await look("database", database_url=write_url({**database, "password": "another"}))
    assert "refuses the user or the password" in found.message
    await ground.run(f"ALTER ROLE {database['user']} CONNECTION LIMIT 10")
    found = await look("connections", database_url=write_url(database))
    assert (found.verdict, found.message) == ("failure", "10 are allowed, 1 x 20 may be opened")
