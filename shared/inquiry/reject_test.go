package inquiry_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestReject(t *testing.T) {
	t.Parallel()

	t.Run("keeps the name and the external id if they are valid", func(t *testing.T) {
		t.Parallel()
		long := strings.Repeat("x", 300)
		fault := inquiry.Fault{Pointer: "/inquiries/3/ein", Index: 3, ExternalID: "L-1", Code: "form", Message: "nine digits"}
		why := []inquiry.Rejection{{Pointer: "/ein", Code: "form", Message: "nine digits"}}
		tests := map[string]struct{ in, want inquiry.Inquiry }{
			"valid name and id": {
				inquiry.Inquiry{BusinessName: "Kylderon LLC", ExternalID: "L-1", EIN: "1", Email: "a@b", Principals: []inquiry.Principal{{LastName: "Kylder"}}},
				inquiry.Inquiry{BusinessName: "Kylderon LLC", ExternalID: "L-1", Rejected: why},
			},
			"invalid name and id": {
				inquiry.Inquiry{BusinessName: long, ExternalID: "a\x00b"}, inquiry.Inquiry{Rejected: why},
			},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(tt.want, tt.in.Reject([]inquiry.Fault{fault})); diff != "" {
					t.Errorf("stored (-want +got):\n%s", diff)
				}
			})
		}
		many := make([]inquiry.Fault, 500)
		for i := range many {
			many[i] = inquiry.Fault{Pointer: "/inquiries/0/" + long, Code: "unknown-field"}
		}
		kept := inquiry.Inquiry{}.Reject(many)
		if n := len(kept.Rejected); n > 10 || len(kept.Rejected[0].Pointer) > 200 {
			t.Errorf("%d reasons are stored, the first with a pointer of %d bytes; want at most 10 and 200", n, len(kept.Rejected[0].Pointer))
		}
	})

	t.Run("rejected inquiries have failed from the start", func(t *testing.T) {
		t.Parallel()
		bad := inquiry.Inquiry{Rejected: []inquiry.Rejection{{Code: "form"}}}
		tally := inquiry.Submission{Inquiries: []inquiry.Inquiry{{}, bad, {}}}.Tally()
		if got := tally.Counts(); got != (inquiry.Counts{Planning: 2, Failed: 1}) {
			t.Errorf("counts %+v", got)
		}
		if diff := cmp.Diff([]int{0, 2}, tally.Unclaimed()); diff != "" || !tally.Final(1) || tally.Final(0) {
			t.Errorf("unclaimed (-want +got):\n%s", diff)
		}
		done := merge(tally, inquiry.Change{Index: 0, Status: inquiry.StatusCompleted}, inquiry.Change{Index: 2, Status: inquiry.StatusCompleted})
		if done.Status() != inquiry.BatchPartialSuccess {
			t.Errorf("the batch ends as %s, want PARTIAL_SUCCESS", done.Status())
		}
	})
}

func TestDuplicates(t *testing.T) {
	t.Parallel()

	t.Run("are found by EIN or by name and address", func(t *testing.T) {
		t.Parallel()
		at := func(line, code string) *inquiry.Address { return &inquiry.Address{Line1: line, PostalCode: code} }
		list := []inquiry.Inquiry{
			0: {BusinessName: "Kylderon LLC", EIN: "123456789"},
			1: {BusinessName: "Kylderon Holding", EIN: "123456789"},
			2: {BusinessName: "Quiet Meadow", Address: at("1 Main Street", "80202")},
			3: {BusinessName: "QUIET  meadow", Address: at("1 MAIN street", "80202")},
			4: {BusinessName: "Quiet Meadow", Address: at("2 Main Street", "80202")},
			5: {BusinessName: "Kylderon LLC"},
			6: {BusinessName: "Kylderon LLC", EIN: "987654321"},
			7: {BusinessName: "kylderon holding", EIN: "123456789"},
			8: {}, 9: {},
		}
		want := []inquiry.Duplicate{
			{Index: 1, Of: 0, By: inquiry.DuplicateEIN},
			{Index: 3, Of: 2, By: inquiry.DuplicateName},
			{Index: 5, Of: 0, By: inquiry.DuplicateName},
			{Index: 7, Of: 0, By: inquiry.DuplicateEIN},
		}
		if diff := cmp.Diff(want, inquiry.Duplicates(list)); diff != "" {
			t.Errorf("duplicates (-want +got):\n%s", diff)
		}
	})
}
