package main

import (
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/infra/pipeline"
)

// TestServices checks that a deployment by the workflows may create every resource.
func TestServices(t *testing.T) {
	t.Parallel()

	used := map[string]bool{}
	everything := synthesize("prod", func(p *Props) { p.AlarmEmail, p.MonthlyBudget = "ops@example.com", 200 })
	for id, r := range everything.Resources {
		service := strings.Split(r.Type, "::")[1]
		used[service] = true
		if pipeline.Services[service] == "" {
			t.Errorf("%s is a %s: add the service to Services in infra/pipeline/execution.go", id, r.Type)
		}
	}
	for service := range pipeline.Services {
		if !used[service] {
			t.Errorf("a deployment may use %s, but the stack has no resource of it", service)
		}
	}
}
