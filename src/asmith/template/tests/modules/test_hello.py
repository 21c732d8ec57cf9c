"""hello through its contract: each call is checked against the header's types and the ABI."""


def test_the_day_has_three_parts(module):
    said = [module.string(module.greeting(hour)) for hour in range(24)]
    assert len(set(said[:12])) == 1
    assert set(said[12:18]) == {b"good day"}
    assert set(said[18:]) == {b"good evening"}
