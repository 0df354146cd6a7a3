import pytest
from sagemaker_sandbox_kit import wait_for

STATES = {
    "ENSEMBLING": ["Starting", "PreTraining", "TrainingModels", "GeneratingExplainabilityReport"],
    "HYPERPARAMETER_TUNING": ["Starting", "AnalyzingData", "FeatureEngineering", "ModelTuning"],
}


@pytest.fixture
def still(aws):
    """Return the clock, standing nearly still: it moves when the test says so."""
    aws.server.clock.factor = 1e-6
    return aws.server.clock


@pytest.mark.parametrize("mode", STATES)
def test_a_job_passes_through_its_states(aws, sagemaker, still, table_uri, binary, mode):
    name = f"states-{mode[:3].lower()}"
    sagemaker.create_auto_ml_job_v2(**aws.request(name, table_uri, binary(mode), objective="AUC"))
    seen = []
    for _ in range(120):
        job = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name)
        if job["AutoMLJobStatus"] != "InProgress" or "BestCandidate" in job:
            break
        if job["AutoMLJobSecondaryStatus"] not in seen:
            seen.append(job["AutoMLJobSecondaryStatus"])
        still.advance(30)
    assert seen == STATES[mode][: len(seen)]
    assert len(seen) >= 3


def test_two_hours_are_billed_for_a_moment(aws, sagemaker, table_uri):
    config = {"TargetAttributeName": "bought", "ProblemType": "BinaryClassification", "Mode": "HYPERPARAMETER_TUNING"}
    job = aws.train("two-hours", table_uri, {"TabularJobConfig": config}, objective="AUC")
    seconds = (job["EndTime"] - job["CreationTime"]).total_seconds()
    assert 6600 <= seconds <= 7200
    names = [one["TrainingJobName"] for one in sagemaker.list_training_jobs(NameContains="two-hours", MaxResults=50)[
        "TrainingJobSummaries"]]  # fmt: skip
    described = [sagemaker.describe_training_job(TrainingJobName=name) for name in names]
    assert len(described) == 11  # feature engineering and ten candidates
    assert {one["AutoMLJobArn"] for one in described} == {job["AutoMLJobArn"]}
    billed = sum(one["BillableTimeInSeconds"] * one["ResourceConfig"]["InstanceCount"] for one in described)
    assert 16_000 <= billed <= 20_000
    (split,) = sagemaker.list_processing_jobs(NameContains="two-hours")["ProcessingJobSummaries"]
    processing = sagemaker.describe_processing_job(ProcessingJobName=split["ProcessingJobName"])
    assert processing["ProcessingEndTime"] > processing["ProcessingStartTime"]
    (applied,) = sagemaker.list_transform_jobs(NameContains="two-hours")["TransformJobSummaries"]
    transform = sagemaker.describe_transform_job(TransformJobName=applied["TransformJobName"])
    assert transform["TransformEndTime"] > transform["TransformStartTime"]


def test_candidates_name_steps_that_can_be_described_and_carry_tags(aws, sagemaker, table_uri, binary):
    job = aws.train("steps", table_uri, binary(), objective="F1", Tags=[{"Key": "project", "Value": "p1"}])
    (step,) = job["BestCandidate"]["CandidateSteps"]
    child = sagemaker.describe_training_job(TrainingJobName=step["CandidateStepName"])
    assert child["TrainingJobArn"] == step["CandidateStepArn"]
    for arn in (job["AutoMLJobArn"], child["TrainingJobArn"]):
        assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "project", "Value": "p1"}]
    tagged = aws.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "project", "Values": ["p1"]}])
    assert job["AutoMLJobArn"] in {one["ResourceARN"] for one in tagged["ResourceTagMappingList"]}


def test_candidates_come_in_pages_sorted_by_their_metric(sagemaker, trained):
    name = trained()["AutoMLJobName"]
    pages, query = [], {"AutoMLJobName": name, "MaxResults": 2, "SortBy": "FinalObjectiveMetricValue",
                        "SortOrder": "Descending"}  # fmt: skip
    while True:
        answer = sagemaker.list_candidates_for_auto_ml_job(**query)
        pages.append(answer["Candidates"])
        if "NextToken" not in answer:
            break
        query["NextToken"] = answer["NextToken"]
    assert [len(page) for page in pages] == [2, 1]
    found = [one for page in pages for one in page]
    values = [one["FinalAutoMLJobObjectiveMetric"]["Value"] for one in found]
    assert values == sorted(values, reverse=True)
    assert found[0]["CandidateName"] == trained()["BestCandidate"]["CandidateName"]
    sets = {metric["Set"] for metric in found[0]["CandidateProperties"]["CandidateMetrics"]}
    assert sets == {"Train", "Validation"}


def test_a_short_limit_ends_the_job_and_keeps_the_best(aws, table_uri, binary):
    limits = {"MaxCandidates": 8, "MaxAutoMLJobRuntimeInSeconds": 600, "MaxRuntimePerTrainingJobInSeconds": 600}
    config = binary("HYPERPARAMETER_TUNING", CompletionCriteria=limits)
    aws.server.context.settings["candidates"] = 20
    limits["MaxCandidates"] = 20
    config["TabularJobConfig"]["CompletionCriteria"] = limits
    job = aws.train("short", table_uri, config, objective="AUC")
    assert job["AutoMLJobStatus"] == "Completed"
    assert job["AutoMLJobSecondaryStatus"] == "MaxAutoMLJobRuntimeReached"
    assert (job["EndTime"] - job["CreationTime"]).total_seconds() == pytest.approx(600)
    assert "BestCandidate" in job


def test_stopping_keeps_what_is_ready_and_ends_the_children(aws, sagemaker, still, table_uri, binary):
    config = binary(CompletionCriteria={"MaxCandidates": 6})
    sagemaker.create_auto_ml_job_v2(**aws.request("stopped", table_uri, config, objective="AUC"))

    def job():
        return sagemaker.describe_auto_ml_job_v2(AutoMLJobName="stopped")

    still.advance(900 + 1800 + 60)  # the first wave of four is done, the second has begun
    wait_for(job, lambda one: "BestCandidate" in one)
    sagemaker.stop_auto_ml_job(AutoMLJobName="stopped")
    assert job()["AutoMLJobStatus"] == "Stopping"
    still.advance(61)
    ended = job()
    assert (ended["AutoMLJobStatus"], ended["AutoMLJobSecondaryStatus"]) == ("Stopped", "Stopped")
    assert "BestCandidate" in ended
    children = sagemaker.list_training_jobs(NameContains="stopped", MaxResults=50)["TrainingJobSummaries"]
    statuses = sorted(child["TrainingJobStatus"] for child in children)
    assert statuses == ["Completed"] * 4 + ["Stopped"] * 2
    stopped = next(child for child in children if child["TrainingJobStatus"] == "Stopped")
    billed = sagemaker.describe_training_job(TrainingJobName=stopped["TrainingJobName"])["BillableTimeInSeconds"]
    assert billed == pytest.approx(120, abs=5)


def test_stopping_what_has_ended_changes_nothing(sagemaker, trained):
    name = trained()["AutoMLJobName"]
    sagemaker.stop_auto_ml_job(AutoMLJobName=name)
    assert sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name)["AutoMLJobStatus"] == "Completed"


def test_jobs_are_listed_by_name_descending_a_page_at_a_time(aws, sagemaker, table_uri, binary):
    names = [f"listed-{number:02d}" for number in range(12)]
    for name in names:
        sagemaker.create_auto_ml_job_v2(**aws.request(name, table_uri, binary(), objective="AUC"))
    first = sagemaker.list_auto_ml_jobs(NameContains="listed-")
    assert [one["AutoMLJobName"] for one in first["AutoMLJobSummaries"]] == names[:1:-1]
    rest = sagemaker.list_auto_ml_jobs(NameContains="listed-", NextToken=first["NextToken"])
    assert [one["AutoMLJobName"] for one in rest["AutoMLJobSummaries"]] == names[1::-1]
    assert "NextToken" not in rest
    once = sagemaker.list_auto_ml_jobs(
        NameContains="listed-", MaxResults=100, SortBy="CreationTime", SortOrder="Ascending"
    )
    assert [one["AutoMLJobName"] for one in once["AutoMLJobSummaries"]] == names
    wait_for(
        lambda: sagemaker.list_auto_ml_jobs(NameContains="listed-", StatusEquals="Completed", MaxResults=100),
        lambda answer: len(answer["AutoMLJobSummaries"]) == 12,
    )
