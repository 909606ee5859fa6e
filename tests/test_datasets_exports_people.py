"""The buyers: different from each other, with addresses that belong to nobody."""

from rfmkit.datasets.exports.people import Person


def test_people_are_kept_apart_by_each_thing_that_can_be_a_key() -> None:
    people = [Person(number) for number in range(1, 9001)]
    for attribute in ("name", "email", "phone", "nick"):
        assert len({getattr(person, attribute) for person in people}) == len(people)


def test_nobody_is_reached() -> None:
    for person in map(Person, range(1, 50)):
        assert person.email.split("@")[1] in ("example.com", "example.org")
        assert person.phone.startswith("1555")
        assert person.mobile.startswith("1700000")
        assert person.chinese_address.endswith("(000000)")


def test_the_texts_have_what_readers_stumble_over() -> None:
    people = [Person(number) for number in range(1, 50)]
    assert any(person.postcode.startswith("0") for person in people)
    assert all("," in person.street for person in people)
    assert any("𠮷" in person.chinese_name for person in people)
    assert all(person.nick.encode("gbk") for person in people)
