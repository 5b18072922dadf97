package auth_test

import (
	"regexp"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
)

// A lender's value must never change, because the gateway's key was created with it.
func TestUsageKey(t *testing.T) {
	t.Parallel()

	const want = "2aee63526e17700f1525b8efe6414cb150c74956"
	got := auth.UsageKey("prod", "acme")
	if got != want {
		t.Errorf("UsageKey(prod, acme) = %s, was %s before", got, want)
	}
	if !regexp.MustCompile(`^[0-9a-z]{20,128}$`).MatchString(got) {
		t.Errorf("API Gateway does not accept %s", got)
	}
	for name, other := range map[string]string{
		"another lender": auth.UsageKey("prod", "acme2"),
		"another stage":  auth.UsageKey("test", "acme"),
	} {
		if other == got {
			t.Errorf("%s has the same key", name)
		}
	}
}
