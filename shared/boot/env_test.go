package boot_test

import (
	"testing"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

// envOf returns an Env that has these variables only.
func envOf(variables map[string]string) *boot.Env {
	return &boot.Env{Lookup: func(name string) string { return variables[name] }}
}

func TestEnv(t *testing.T) {
	t.Parallel()

	t.Run("values are read by type", func(t *testing.T) {
		t.Parallel()
		env := envOf(map[string]string{"TABLE_NAME": "inquiries", "MAX_RECEIVES": "8", "BATCH_DEADLINE": "6h"})
		if got := env.Required("TABLE_NAME"); got != "inquiries" {
			t.Errorf("Required(TABLE_NAME) = %q", got)
		}
		if got := env.Int("MAX_RECEIVES"); got != 8 {
			t.Errorf("Int(MAX_RECEIVES) = %d", got)
		}
		if got := env.Duration("BATCH_DEADLINE"); got != 6*time.Hour {
			t.Errorf("Duration(BATCH_DEADLINE) = %s", got)
		}
		if got := env.Optional("PORTAL_ORIGIN"); got != "" {
			t.Errorf("Optional(PORTAL_ORIGIN) = %q", got)
		}
		if err := env.Err(); err != nil {
			t.Errorf("Err() = %v", err)
		}
	})

	for name, c := range map[string]struct {
		variables map[string]string
		want      string
	}{
		"every missing variable is named, once": {
			variables: map[string]string{"TABLE_NAME": "inquiries", "MAX_RECEIVES": "8", "BATCH_DEADLINE": "6h"},
			want:      "environment variables not set: QUEUE_URL, USER_POOL_ID",
		},
		"missing and invalid variables are in one message": {
			variables: map[string]string{"QUEUE_URL": "https://queue", "MAX_RECEIVES": "eight", "BATCH_DEADLINE": "tomorrow"},
			want: "environment variables not set: TABLE_NAME, USER_POOL_ID" +
				`; environment variable MAX_RECEIVES: strconv.Atoi: parsing "eight": invalid syntax` +
				`; environment variable BATCH_DEADLINE: time: invalid duration "tomorrow"`,
		},
		"a missing number is missing and not invalid": {
			variables: map[string]string{"TABLE_NAME": "inquiries", "QUEUE_URL": "https://queue", "USER_POOL_ID": "pool"},
			want:      "environment variables not set: MAX_RECEIVES, BATCH_DEADLINE",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := envOf(c.variables)
			env.Required("TABLE_NAME")
			env.Required("QUEUE_URL")
			env.Required("USER_POOL_ID")
			env.Required("QUEUE_URL")
			env.Int("MAX_RECEIVES")
			env.Duration("BATCH_DEADLINE")
			if err := env.Err(); err == nil || err.Error() != c.want {
				t.Errorf("Err() = %v, want %s", err, c.want)
			}
		})
	}
}
