package main

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
	"github.com/batch-inquiries/batch-inquiries/shared/deployment"
	"github.com/batch-inquiries/batch-inquiries/shared/source/ofac"
)

func TestWire(t *testing.T) {
	t.Parallel()

	t.Run("a start without settings names all of them", func(t *testing.T) {
		t.Parallel()
		empty := &boot.Env{Lookup: func(string) string { return "" }}
		_, err := wire(empty, slog.New(slog.DiscardHandler))
		const want = "environment variables not set: TABLE_NAME, MAX_RECEIVES, BATCH_DEADLINE, LAMBDA_TASK_ROOT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, METRICS_NAMESPACE"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

func TestSources(t *testing.T) {
	t.Parallel()

	var types []string
	for _, s := range sources(&ofac.List{}) {
		types = append(types, s.Describe().Type)
	}
	if diff := cmp.Diff(deployment.Sources, types); diff != "" {
		t.Errorf("sources, each of which needs an alarm (-deployment +asked):\n%s", diff)
	}
}
