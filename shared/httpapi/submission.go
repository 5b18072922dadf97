package httpapi

import (
	"crypto/sha256"
	"encoding/json"
	"slices"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

// submission is the content of a submitted body.
type submission struct {
	name         string
	metadata     map[string]string
	inquiries    []inquiry.Inquiry
	total        int  // number of inquiries in the body; inquiries has at most the lender's limit
	skip         bool // invalid inquiries are rejected one by one
	validateOnly bool
	fingerprint  [sha256.Size]byte

	// faults are those of the rejected inquiries and, with validateOnly, all others.
	faults []inquiry.Fault
}

// rejected returns the number of inquiries with faults.
func (s submission) rejected() int {
	indexes := map[int]bool{}
	for _, f := range s.faults {
		if f.Index >= 0 {
			indexes[f.Index] = true
		}
	}
	return len(indexes)
}

// reject rejects the inquiries with faults if the submission asks for that and is
// otherwise valid. ok is false if the submission must be rejected as a whole.
func (s *submission) reject() (ok bool) {
	outside := slices.ContainsFunc(s.faults, func(f inquiry.Fault) bool { return f.Index < 0 })
	if !s.skip || outside || s.rejected() == len(s.inquiries) {
		return false
	}
	for rest := s.faults; len(rest) > 0; { // sorted by inquiry
		index, n := rest[0].Index, 1
		for n < len(rest) && rest[n].Index == index {
			n++
		}
		s.inquiries[index] = s.inquiries[index].Reject(rest[:n])
		rest = rest[n:]
	}
	return true
}

// digest returns the fingerprint that distinguishes this submission from others with
// the same idempotency key. Valid inquiries are hashed as parsed; invalid ones as
// sent, because parsing may have dropped members, together with their faults.
func (s submission) digest(raw []byte) ([sha256.Size]byte, error) {
	content := map[string]any{"name": s.name, "inquiries": s.inquiries}
	if len(s.metadata) > 0 {
		content["metadata"] = s.metadata
	}
	if s.skip {
		content["onInvalid"] = "skip"
	}
	if s.skip && len(s.faults) > 0 {
		content["faulty"], content["faults"] = s.invalid(raw)
	}
	canonical, err := json.Marshal(content)
	return sha256.Sum256(canonical), err
}

// invalid returns the inquiries with faults as they are in the body, by position,
// and their faults.
func (s submission) invalid(raw []byte) (sent map[int]any, faults []string) {
	var body struct {
		Inquiries []any `json:"inquiries"`
	}
	_ = json.Unmarshal(raw, &body) // if there is no list of inquiries, the faults are enough
	sent = map[int]any{}
	for _, f := range s.faults {
		faults = append(faults, f.Pointer+" "+f.Code)
		if f.Index >= 0 && f.Index < len(body.Inquiries) && sent[f.Index] == nil {
			sent[f.Index] = withoutNulls(body.Inquiries[f.Index])
		}
	}
	return sent, faults
}
