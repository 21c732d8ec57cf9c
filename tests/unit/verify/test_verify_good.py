from verify_project import HERE, Project


def test_every_right_call_passes(project: Project) -> None:
    cases = (HERE / "cases/good_calls.py").read_text()
    ran = project.pytest("good", project.write_test("test_good.py", cases))
    assert ran.result["failures"] == [], ran.output
    assert ran.result["passed"] == cases.count("\ndef test_")
    assert ran.status == 0
