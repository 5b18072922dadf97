package main

import (
	"log/slog"
	"testing"
)

func TestAStartWithoutSettingsNamesThemAll(t *testing.T) {
	t.Parallel()
	_, err := wire(func(string) string { return "" }, slog.New(slog.DiscardHandler))
	const want = "environment variables not set: TABLE_NAME, QUEUE_URL"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
