package inquiry

// MaxChildren is the maximum number of reruns that a batch's header lists.
const MaxChildren = 20

// RerunScope says which inquiries of a finished batch are looked up again.
type RerunScope string

const (
	RerunFailed       RerunScope = "failed"       // those without a useful report
	RerunPartial      RerunScope = "partial"      // those with a report that lacks a source
	RerunUnsuccessful RerunScope = "unsuccessful" // both, and those that a cancel stopped
)

// includes reports whether inquiries with the status are in the scope.
func (s RerunScope) includes(status Status) bool {
	switch status {
	case StatusFailed:
		return s == RerunFailed || s == RerunUnsuccessful
	case StatusPartialSuccess:
		return s == RerunPartial || s == RerunUnsuccessful
	case StatusCancelled:
		return s == RerunUnsuccessful
	}
	return false
}

// Rerun returns the batch's inquiries that are in the scope, as they were submitted.
// It never includes rejected ones: submitting the same inquiry again cannot help.
func (b Batch) Rerun(asked []Inquiry, scope RerunScope) []Inquiry {
	var again []Inquiry
	for i, in := range asked {
		if !in.IsRejected() && scope.includes(b.StatusOf(i)) {
			again = append(again, b.repeat(in, i))
		}
	}
	return again
}

// RerunListed returns the inquiries with the given ids, each once and whatever its
// status. invalid are the positions in ids of those that were rejected or belong to
// another batch.
func (b Batch) RerunListed(asked []Inquiry, ids []ID) (again []Inquiry, invalid []int) {
	listed := map[int]bool{}
	for i, id := range ids {
		if id.Batch() != b.ID || id.Index() >= len(asked) || asked[id.Index()].IsRejected() {
			invalid = append(invalid, i)
			continue
		}
		listed[id.Index()] = true
	}
	for i, in := range asked {
		if listed[i] {
			again = append(again, b.repeat(in, i))
		}
	}
	return again, invalid
}

func (b Batch) repeat(in Inquiry, index int) Inquiry {
	id := b.ID.Inquiry(index)
	in.RerunOf = &id
	return in
}
