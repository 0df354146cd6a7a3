import pytest

from automl_bridge.sandbox.faults import CALL_FAULTS, JOB_FAULTS, FaultBook, FaultKind


def test_strikes_the_operations_it_names():
    book = FaultBook()
    book.add("throttle", "sagemaker.Create*")
    assert book.draw("sagemaker.CreateModel", CALL_FAULTS).kind is FaultKind.THROTTLE
    assert book.draw("sagemaker.DeleteModel", CALL_FAULTS) is None


def test_a_bare_name_strikes_whatever_the_service():
    book = FaultBook()
    book.add("slow", "CreateModel")
    assert book.draw("sagemaker.CreateModel", CALL_FAULTS) is not None


def test_strikes_as_often_as_it_may():
    book = FaultBook()
    book.add("server-error", count=2)
    assert [book.draw("a.B", CALL_FAULTS) is not None for _ in range(4)] == [True, True, False, False]


def test_strikes_at_its_rate_and_the_same_for_the_same_seed():
    def drawn(seed):
        book = FaultBook()
        book.add("throttle", rate=0.3, seed=seed)
        return [book.draw("a.B", CALL_FAULTS) is not None for _ in range(1000)]

    first = drawn(7)
    assert 250 <= sum(first) <= 350
    assert drawn(7) == first
    assert drawn(8) != first


def test_faults_of_calls_and_of_jobs_do_not_mix():
    book = FaultBook()
    book.add("job-fails")
    assert book.draw("a.CreateJob", CALL_FAULTS) is None
    assert book.draw("a.CreateJob", JOB_FAULTS) is not None


def test_rules_survive_json_with_how_often_they_struck():
    book = FaultBook()
    book.load([{"kind": "throttle", "operations": ["a.*"], "rate": 0.5, "seed": 3}])
    book.draw("a.B", CALL_FAULTS)
    (rule,) = book.to_json()
    assert (rule["kind"], rule["operations"], rule["rate"], rule["seed"]) == ("throttle", ("a.*",), 0.5, 3)
    again = FaultBook()
    again.load([rule])
    assert again.to_json()[0]["struck"] == 0


def test_a_rate_is_a_share():
    with pytest.raises(ValueError, match="share"):
        FaultBook().add("throttle", rate=30)


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="earthquake"):
        FaultBook().add("earthquake")
