package boot_test

import (
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

func TestEnvNamesEveryMissingVariableAtOnce(t *testing.T) {
	t.Parallel()

	env := boot.Env{Lookup: func(name string) string {
		return map[string]string{"TABLE_NAME": "inquiries"}[name]
	}}
	if got := env.Required("TABLE_NAME"); got != "inquiries" {
		t.Errorf("Required(TABLE_NAME) = %q", got)
	}
	env.Required("QUEUE_URL")
	env.Required("USER_POOL_ID")

	const want = "environment variables not set: QUEUE_URL, USER_POOL_ID"
	if err := env.Err(); err == nil || err.Error() != want {
		t.Errorf("Err() = %v, want %s", err, want)
	}
}
