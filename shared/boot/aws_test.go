package boot_test

import (
	"testing"

	"github.com/aws/smithy-go"

	"github.com/batch-inquiries/batch-inquiries/shared/boot"
)

func TestTheAWSConfigurationIsTheEnvironments(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
	}
	cfg, err := boot.AWS(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	found, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || found.AccessKeyID != "id" || found.SecretAccessKey != "secret" || found.SessionToken != "token" {
		t.Errorf("credentials of %s, %v", found.Source, err)
	}
	if cfg.Region != "us-east-1" || cfg.BaseEndpoint == nil || *cfg.BaseEndpoint != env["AWS_ENDPOINT_URL"] {
		t.Errorf("region %q, endpoint %v", cfg.Region, cfg.BaseEndpoint)
	}
	if !cfg.Retryer().IsErrorRetryable(&smithy.GenericAPIError{Code: "TransactionConflictException"}) {
		t.Error("a write that meets a transaction is not tried again")
	}
	for _, missing := range []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		if _, err := boot.AWS(func(name string) string {
			if name == missing {
				return ""
			}
			return env[name]
		}); err == nil {
			t.Errorf("no error without %s", missing)
		}
	}
}
