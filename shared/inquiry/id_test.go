package inquiry_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestID(t *testing.T) {
	t.Parallel()

	t.Run("is parsed back to batch and index", func(t *testing.T) {
		t.Parallel()
		rapid.Check(t, func(t *rapid.T) {
			at := time.UnixMilli(rapid.Int64Range(0, 1<<47).Draw(t, "ms")).UTC()
			index := rapid.IntRange(0, inquiry.MaxInquiries-1).Draw(t, "index")

			batch := inquiry.NewBatchID(at)
			id, err := inquiry.ParseID(batch.Inquiry(index).String())
			if err != nil || id.Batch() != batch || id.Index() != index {
				t.Fatalf("id %s was parsed as batch %s, index %d, %v", batch.Inquiry(index), id.Batch(), id.Index(), err)
			}
			again, err := inquiry.ParseBatchID(batch.String())
			if err != nil || again != batch || !again.CreatedAt().Equal(at) {
				t.Fatalf("batch id %s was parsed as %s, created at %s, %v", batch, again, again.CreatedAt(), err)
			}
		})
	})

	t.Run("an id that cannot exist is not found", func(t *testing.T) {
		t.Parallel()
		batch := inquiry.NewBatchID(noon)
		tests := map[string]string{
			"empty":                 "",
			"text":                  "latest",
			"an inquiry's id":       batch.Inquiry(0).String(),
			"UUIDv4":                "7f5a9f0a-3b1e-4c39-9a57-000000000000",
			"no hyphens":            "0191e0c07a5c7000800000000000000000",
			"a hyphen out of place": "0191e0c-07a5c-7000-8000-000000000000",
			"not hexadecimal":       "0191e0c0-7a5c-7000-8000-00000000000g",
			"with a key separator":  batch.String()[:35] + "#",
		}
		for name, s := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if _, err := inquiry.ParseBatchID(s); !errors.Is(err, inquiry.ErrNotFound) {
					t.Errorf("ParseBatchID(%q) = %v, want ErrNotFound", s, err)
				}
			})
		}
		if _, err := inquiry.ParseID(batch.String()); !errors.Is(err, inquiry.ErrNotFound) {
			t.Errorf("ParseID of a batch's id = %v, want ErrNotFound", err)
		}
	})
}
