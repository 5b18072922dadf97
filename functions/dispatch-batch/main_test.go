package main

import (
	"log/slog"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

func TestWire(t *testing.T) {
	t.Parallel()

	t.Run("a start without settings names all of them", func(t *testing.T) {
		t.Parallel()
		empty := &boot.Env{Lookup: func(string) string { return "" }}
		_, err := wire(empty, slog.New(slog.DiscardHandler))
		const want = "environment variables not set: TABLE_NAME, QUEUE_URL, FAILED_RECORDS_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, METRICS_NAMESPACE"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}
