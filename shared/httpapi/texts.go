package httpapi

import (
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// What the document says of schemas, answers and bodies: of all that no field
// stands for. A test finds what is missing here.

// schemaTexts says what each schema is.
var schemaTexts = map[string]string{
	"APIKeyBody":           "Your API key.",
	"AddressInput":         "A postal address.",
	"AskedAddress":         "A postal address that was asked about.",
	"AskedInquiry":         "What was asked. It is an InquiryInput without its rules: a rejected inquiry, and a faulty one in a dry run, break some.",
	"AskedPrincipal":       "A person who was asked about.",
	"BatchBody":            "A batch's status: how far its inquiries have come. The six counters sum to `total` in every answer.",
	"BatchListBody":        "One page of your lender's batches, newest first.",
	"DuplicateInquiry":     "An inquiry that seems to ask about the same business as an earlier one of the request.",
	"EstimateRange":        "A time that is known only roughly.",
	"Evidence":             "A file or an address that a source's answer was read from, in enough detail to show later that it was this and nothing else.",
	"Fact":                 "One statement of a source record, under a name that sources share.",
	"Failure":              "Why a report has nothing useful.",
	"Fault":                "One thing that is wrong with a request, or with an inquiry.",
	"InquiryBody":          "One inquiry: what was asked, how far it has come, and its business report.",
	"InquiryFailure":       "Why an inquiry has no useful report.",
	"InquiryInput":         "One business to look up. Only its name is required; each further field makes the match surer.",
	"InquiryListBody":      "One page of a batch's inquiries, in the order of submission.",
	"InquirySummary":       "How far one inquiry has come, without its report.",
	"Match":                "How well a source's candidate fits the part of the inquiry that was looked up, and on what grounds.",
	"MeBody":               "Who you are here, and what your lender may ask for.",
	"MeLender":             "The lender that you act for.",
	"MeLimits":             "What your lender may ask for in one request, a second, and at a time.",
	"Phase":                "How many inquiries have passed one of the steps that each takes.",
	"PhaseProgress":        "How far the batch has come, step by step.",
	"PrincipalInput":       "A person who owns or runs the business.",
	"Problem":              "An error answer (RFC 9457). Of what you sent it repeats names of fields and parameters, and your externalIds; never another value.",
	"Report":               "The business report: facts, the source records that state them, how well candidates fit, and what could not be looked up.",
	"ReportCoverage":       "How much of what should have been looked up was.",
	"ReportFact":           "One statement, with the source records that make it.",
	"ReportMissingSource":  "A source that had something to look up and did not answer.",
	"ReportOrigin":         "Where a source record comes from.",
	"ReportScore":          "A number from 0 to 1 that sums something up, with what it rests on.",
	"ReportSourceRecord":   "What one source has, or has looked for, about one part of the inquiry.",
	"ReportSourceSummary":  "How one source answered.",
	"RerunBody":            "Which inquiries of a finished batch to look up once more.",
	"ResultsEnd":           "What a file of results has, and when it was read.",
	"ResultsLastLine":      "The last line of results as NDJSON.",
	"SourceRecordTotals":   "What the sources had, over all final inquiries of a batch.",
	"SourceTiming":         "How long one source took, in seconds.",
	"SourceTotals":         "One source's answers, over all final inquiries of a batch. All but `records` count inquiries.",
	"Subject":              "The part of an inquiry that a source record is about.",
	"SubmitBody":           "A batch of inquiries.",
	"SubmitLimits":         "How large a batch may be, and for how many inquiries there is room now.",
	"SubmittedBody":        "What became of a submission.",
	"SubmittedInquiryBody": "What became of the submission of one inquiry.",
	"TimingSummary":        "Where a batch's time went, over its final inquiries. Durations are in seconds.",
	"ValidatedBody":        "What would become of a submission. Nothing was stored.",
}

// answerTexts says of each operation what its answers without a problem are, by
// status.
var answerTexts = map[string]map[string]string{
	"list-batches":     {"200": "The page of batches."},
	"submit-batch":     {"200": "The batch was accepted or, with `validateOnly`, checked."},
	"get-batch":        {"200": "The batch's status.", "304": "The batch is as the ETag in If-None-Match says. There is no body."},
	"delete-batch":     {"200": "The data is deleted. The batch's status, as it remains."},
	"cancel-batch":     {"200": "The batch had been cancelled before and has finished.", "202": "The cancel is noted. Inquiries that are running finish first."},
	"list-inquiries":   {"200": "The page of inquiries."},
	"rerun-batch":      {"200": "The rerun was accepted as a new batch."},
	"get-results":      {"200": "The results.", "303": "The results are large and lie at the `Location`. There is no body."},
	"submit-inquiry":   {"200": "The inquiry was accepted."},
	"get-inquiry":      {"200": "The inquiry, with its report once its status is final."},
	"get-me":           {"200": "Who you are, and your limits."},
	"get-api-key":      {"200": "Your key."},
	"rotate-api-key":   {"200": "Your new key."},
	"revoke-api-key":   {"204": "You have no key any more. There is no body."},
	"get-openapi-json": {"200": "The document."},
	"get-openapi-yaml": {"200": "The document."},
	"get-docs":         {"200": "The page."},

	"get-api-key-short": {"200": "Your key."},
}

// bodyTexts says of each operation what its request body is.
var bodyTexts = map[string]string{
	"submit-batch":   "The batch: JSON of 5 MiB at the most. A member that is null counts as left out; one that the schema does not have is a fault.",
	"submit-inquiry": "The inquiry, by the same rules as one of a batch.",
	"rerun-batch":    "Which inquiries to look up once more. Without a body: those that failed.",
}

// words are what programs may find in a member, each with what it says. More may
// come, so that they are no enum.
type words []struct{ Word, Says string }

// String is a sentence that lists them.
func (w words) String() string {
	var list []string
	for _, one := range w {
		list = append(list, one.Word+" ("+one.Says+")")
	}
	return strings.Join(list, ", ") + "."
}

var (
	outcomeWords = words{
		{string(inquiry.OutcomeFound), "it has a record that fits, corroborated"},
		{string(inquiry.OutcomeNoRecord), "it looked and has none"},
		{string(inquiry.OutcomeAmbiguous), "it has candidates that a person must judge"},
		{string(inquiry.OutcomeNotApplicable), "the inquiry gives it nothing to look up"},
		{string(inquiry.OutcomeUnavailable), "it did not answer in time"},
		{string(inquiry.OutcomeThrottled), "it asked us to slow down"},
		{string(inquiry.OutcomeMisconfigured), "it refused our credentials"},
		{string(inquiry.OutcomeBadResponse), "its answer could not be understood"},
		{string(inquiry.OutcomeStale), "its list is missing or too old to rely on"},
	}
	reportFailureWords = words{
		{report.CodeRequiredSource, "a required source did not answer"},
		{report.CodeNoSource, "no source answered"},
	}
	failureWords = append(reportFailureWords[:len(reportFailureWords):len(reportFailureWords)], words{
		{inquiry.FailureExhausted, "we tried several times and could not finish it"},
		{inquiry.FailureDeadline, "the time that a batch is tried was over"},
		{inquiry.FailureInvalid, "it was rejected: errors says why"},
	}...)
	faultWords = words{
		{"required", "it is missing"}, {"unknown-field", "there is no such field or parameter"}, {codeType, "it is of another JSON type"},
		{"form", "its form is not that of the field"}, {"invalid", "its value is not allowed here"}, {"out-of-range", "the number is too small or too large"},
		{"too-short", "the text is too short"}, {"too-long", "the text is too long"}, {"too-few", "there are too few"}, {"too-many", "there are too many"},
		{"duplicate", "it has to be unique in the batch"}, {"duplicate-name", "an object has the same name twice"},
		{"control-character", "the text has characters that cannot be printed"}, {"damaged-text", "the text is damaged: it was read in another encoding"},
		{codeBadNumber, "the number is out of all proportion"}, {codeTooDeep, "the body nests too deep"},
	}
)

// memberWords are the words of members, which their descriptions list.
var memberWords = map[string]words{
	"InquirySummary.sources":      outcomeWords,
	"InquiryBody.sources":         outcomeWords,
	"ReportSourceSummary.outcome": outcomeWords,
	"ReportSourceRecord.outcome":  outcomeWords[:3],
	"ReportMissingSource.outcome": outcomeWords[4:],
	"InquiryFailure.code":         failureWords,
	"Failure.code":                reportFailureWords,
	"Fault.code":                  faultWords,
}
