package inquiry

// MaxChildren bounds how many reruns a batch's header names.
const MaxChildren = 20

// RerunScope says which inquiries of a finished batch are looked up once more.
type RerunScope string

const (
	RerunFailed       RerunScope = "failed"       // those without a useful report
	RerunPartial      RerunScope = "partial"      // those from whose report a source is missing
	RerunUnsuccessful RerunScope = "unsuccessful" // both, and those that a cancel stopped
)

// takes reports whether inquiries of the status are in the scope.
func (s RerunScope) takes(status Status) bool {
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

// Rerun returns the inquiries of the batch, as they were submitted, that are in
// the scope. Rejected ones never are: the same again cannot help.
func (b Batch) Rerun(asked []Inquiry, scope RerunScope) []Inquiry {
	var again []Inquiry
	for i, in := range asked {
		if !in.IsRejected() && scope.takes(b.StatusOf(i)) {
			again = append(again, b.again(in, i))
		}
	}
	return again
}

// RerunListed is Rerun for the inquiries with the given ids, whatever their
// status, each once. invalid are the positions in ids of those that are not of
// this batch or were rejected.
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
			again = append(again, b.again(in, i))
		}
	}
	return again, invalid
}

func (b Batch) again(in Inquiry, index int) Inquiry {
	id := b.ID.Inquiry(index)
	in.RerunOf = &id
	return in
}
