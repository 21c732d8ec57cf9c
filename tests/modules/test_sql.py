"""sql through its contract."""

TASK_GET = (
    b"SELECT id, project_id, title, description, status, position, assignee_id, created_by, "
    b"version, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
    b"to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') "
    b"FROM tasks WHERE id = $1::bigint"
)


def statement(module, number):
    found = module.sql_statements[number]
    return module.string(found.name), module.string(found.text), found.parameters


def test_the_statements(module):  # FR-001, FR-002
    assert statement(module, module.SQL_HEALTH) == (b"health", b"SELECT 1", 0)
    assert statement(module, module.SQL_TASK_GET) == (b"task_get", TASK_GET, 1)


def test_columns_are_as_many_as_declared(module):
    assert TASK_GET.split(b" FROM")[0].count(b",") + 1 - 2 == module.TASK_COLUMNS
