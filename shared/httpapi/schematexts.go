package httpapi

import (
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
)

// schemaTexts describes each schema, including those of package report. A test finds
// missing ones.
var schemaTexts = map[string]string{
	"APIKeyBody":           "Your API key.",
	"AddressInput":         "A postal address.",
	"AskedAddress":         "A postal address in a response.",
	"AskedInquiry":         "An inquiry as submitted. It has the fields of InquiryInput without their rules, because rejected inquiries, and invalid ones in a dry run, break some of them.",
	"AskedPrincipal":       "A person in a response.",
	"BatchBody":            "The status and progress of a batch. The six counters always sum to `total`.",
	"BatchListBody":        "One page of your lender's batches, newest first.",
	"DuplicateInquiry":     "An inquiry that appears to be about the same business as an earlier one in the request.",
	"EstimateRange":        "An estimated time range.",
	"Evidence":             "A file or address that a source's answer was read from, with enough detail to prove later what it contained.",
	"Fact":                 "One statement of a source record, under a name that all sources share.",
	"Failure":              "Why a report contains nothing useful.",
	"Fault":                "One error in a request or in an inquiry.",
	"InquiryBody":          "One inquiry as submitted, with its progress and its business report.",
	"InquiryFailure":       "Why an inquiry has no useful report.",
	"InquiryInput":         "One business to look up. Only its name is required; every other field makes the match more reliable.",
	"InquiryListBody":      "One page of a batch's inquiries, in the order of submission.",
	"InquirySummary":       "The progress of one inquiry, without its report.",
	"Match":                "How well a source's candidate matches the part of the inquiry that was looked up, and why.",
	"MeBody":               "Who you are, and your lender's limits.",
	"MeLender":             "The lender that you act for.",
	"MeLimits":             "Your lender's limits on size, rate and open inquiries.",
	"Phase":                "How many inquiries have passed one of the phases.",
	"PhaseProgress":        "The progress of the batch, phase by phase.",
	"PrincipalInput":       "A person who owns or runs the business.",
	"Problem":              "An error response (RFC 9457). It repeats only field names, parameter names and externalIds from your request, never other values.",
	"Report":               "The business report: facts, the source records that state them, how well candidates match, and what could not be looked up.",
	"ReportCoverage":       "How many of the applicable sources answered.",
	"ReportFact":           "One statement, with the source records that support it.",
	"ReportMissingSource":  "A source that applied to the inquiry but did not answer.",
	"ReportOrigin":         "Where a source record comes from.",
	"ReportScore":          "A summary as a number from 0 to 1, with its basis.",
	"ReportSourceRecord":   "What one source found, or searched for, about one part of the inquiry.",
	"ReportSourceSummary":  "How one source answered.",
	"RerunBody":            "The inquiries of a finished batch to look up again.",
	"ResultsEnd":           "What a results file contains, and when it was read.",
	"ResultsLastLine":      "The last line of results in NDJSON.",
	"SourceRecordTotals":   "What the sources returned for all final inquiries of a batch.",
	"SourceTiming":         "How long one source took, in seconds.",
	"SourceTotals":         "One source's answers for all final inquiries of a batch. All members except `records` count inquiries.",
	"Subject":              "The part of an inquiry that a source record is about.",
	"SubmitBody":           "A batch of inquiries.",
	"SubmitLimits":         "The size limits of a batch, and the room that is left now.",
	"SubmittedBody":        "The result of a submission.",
	"SubmittedInquiryBody": "The result of submitting one inquiry.",
	"TimingSummary":        "Where a batch's time went, over its final inquiries. Durations are in seconds.",
	"ValidatedBody":        "What the result of a submission would be. Nothing was stored.",
}

// codes are the values that a member can have, each with its meaning. They are not an
// enum, because more may be added.
type codes []struct{ code, meaning string }

// String returns a sentence that lists the codes.
func (c codes) String() string {
	var list []string
	for _, one := range c {
		list = append(list, one.code+" ("+one.meaning+")")
	}
	return strings.Join(list, ", ") + "."
}

var (
	outcomeCodes = codes{
		{string(inquiry.OutcomeFound), "the source has a corroborated matching record"},
		{string(inquiry.OutcomeNoRecord), "the source searched and found nothing"},
		{string(inquiry.OutcomeAmbiguous), "the source has candidates that a person must review"},
		{string(inquiry.OutcomeNotApplicable), "the inquiry contains nothing that the source can look up"},
		{string(inquiry.OutcomeUnavailable), "the source did not answer in time"},
		{string(inquiry.OutcomeThrottled), "the source asked us to slow down"},
		{string(inquiry.OutcomeMisconfigured), "the source rejected our credentials"},
		{string(inquiry.OutcomeBadResponse), "the source's answer could not be understood"},
		{string(inquiry.OutcomeStale), "the source's list is missing or too old to rely on"},
	}
	reportFailureCodes = codes{
		{report.CodeRequiredSource, "a required source did not answer"},
		{report.CodeNoSource, "no source answered"},
	}
	failureCodes = append(reportFailureCodes[:len(reportFailureCodes):len(reportFailureCodes)], codes{
		{inquiry.FailureExhausted, "several attempts failed"},
		{inquiry.FailureDeadline, "the batch's time limit passed first"},
		{inquiry.FailureInvalid, "it was rejected; see errors"},
	}...)
	faultCodes = codes{
		{"required", "it is missing"}, {"unknown-field", "this field or parameter does not exist"}, {codeType, "the JSON type is wrong"},
		{"form", "the format is wrong"}, {codeInvalid, "this value is not allowed here"}, {"out-of-range", "the number is too small or too large"},
		{"too-short", "the text is too short"}, {"too-long", "the text is too long"}, {"too-few", "there are too few"}, {"too-many", "there are too many"},
		{"duplicate", "it must be unique in the batch"}, {"duplicate-name", "an object has the same name twice"},
		{"control-character", "the text contains control characters, or characters that change its direction"}, {"damaged-text", "the text is damaged, probably by a wrong character encoding"},
		{codeBadNumber, "the number has an unreasonable size"}, {codeTooDeep, "the body nests too deeply"},
	}
)

// memberCodes are the codes of members, which their descriptions list.
var memberCodes = map[string]codes{
	"InquirySummary.sources":      outcomeCodes,
	"InquiryBody.sources":         outcomeCodes,
	"ReportSourceSummary.outcome": outcomeCodes,
	"ReportSourceRecord.outcome":  outcomeCodes[:3],
	"ReportMissingSource.outcome": outcomeCodes[4:],
	"InquiryFailure.code":         failureCodes,
	"Failure.code":                reportFailureCodes,
	"Fault.code":                  faultCodes,
}
