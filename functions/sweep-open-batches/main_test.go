package main

import (
	"log/slog"
	"strings"
	"testing"
)

func TestAStartWithoutSettingsNamesThemAll(t *testing.T) {
	t.Parallel()
	_, err := wire(func(string) string { return "" }, slog.New(slog.DiscardHandler))
	const want = "environment variables not set: TABLE_NAME, QUEUE_URL, BATCH_DEADLINE"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestADeadlineThatIsNoDurationEndsTheStart(t *testing.T) {
	t.Parallel()
	_, err := wire(func(string) string { return "tomorrow" }, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "BATCH_DEADLINE") {
		t.Errorf("error %v, want one about BATCH_DEADLINE", err)
	}
}
