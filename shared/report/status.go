package report

import (
	"slices"
	"strings"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// status decides the inquiry's final status and, if there is no useful report,
// the failure. Sources with nothing to look up have no influence.
func status(answers []source.Answer) (inquiry.Status, *Failure) {
	var answered int
	var missing, missingRequired []source.Answer
	for _, a := range answers {
		switch {
		case a.Outcome == inquiry.OutcomeNotApplicable:
		case a.Outcome.Answered():
			answered++
		default:
			missing = append(missing, a)
			if a.Criticality == source.Required {
				missingRequired = append(missingRequired, a)
			}
		}
	}
	switch {
	case len(missingRequired) > 0:
		return inquiry.StatusFailed, &Failure{
			Code:      CodeRequiredSource,
			Message:   "A required source did not answer: " + names(missingRequired) + ".",
			Retryable: slices.ContainsFunc(missingRequired, retryable),
		}
	case answered == 0:
		return inquiry.StatusFailed, &Failure{
			Code:      CodeNoSource,
			Message:   "No source answered.",
			Retryable: slices.ContainsFunc(missing, retryable),
		}
	case len(missing) > 0:
		return inquiry.StatusPartialSuccess, nil
	default:
		return inquiry.StatusCompleted, nil
	}
}

func names(answers []source.Answer) string {
	types := make([]string, len(answers))
	for i, a := range answers {
		types[i] = a.Type
	}
	return strings.Join(types, ", ")
}

func retryable(a source.Answer) bool { return a.Outcome.Retryable() }
