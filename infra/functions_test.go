package main

import (
	"strings"
	"testing"
)

func TestNewFunctions(t *testing.T) {
	t.Parallel()

	// A worker's lease must not outlive the deadline at which a sweep gives up.
	t.Run("workers and sweeps have the same deadline", func(t *testing.T) {
		t.Parallel()

		for _, function := range []string{"ProcessInquiry", "SweepOpenBatches"} {
			environment := dev().one(t, "AWS::Lambda::Function", function).Properties["Environment"]
			same(t, function+"'s deadline", at(environment, "Variables", "BATCH_DEADLINE"), "6h0m0s")
		}
	})

	t.Run("each function has its own role and log group", func(t *testing.T) {
		t.Parallel()

		deployed := dev().all(t, "AWS::Lambda::Function")
		same(t, "functions", len(deployed), len(functions))
		roles := map[string]bool{}
		for id, f := range deployed {
			p := f.Properties
			roles[text(p["Role"])] = true
			same(t, id+"'s architecture", p["Architectures"], any([]any{"arm64"}))
			same(t, id+"'s runtime", p["Runtime"], "provided.al2023")
			if text(at(p, "LoggingConfig", "LogGroup")) == "null" {
				t.Errorf("%s has no log group of its own", id)
			}
			for name, value := range at(p, "Environment", "Variables").(map[string]any) {
				if said := text(value); strings.Contains(said, "resolve:") || (strings.Contains(name, "SECRET") && !strings.HasSuffix(name, "_ARN")) {
					t.Errorf("%s holds a secret in %s: %s", id, name, said)
				}
			}
		}
		same(t, "roles", len(roles), len(deployed))
		for id, g := range dev().all(t, "AWS::Logs::LogGroup") {
			same(t, id+"'s retention", g.Properties["RetentionInDays"], 30.0)
		}
		same(t, "secrets", text(dev().one(t, "AWS::SecretsManager::Secret", "").Properties["SecretString"]), "null")
	})
}
