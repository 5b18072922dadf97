package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewFunctions(t *testing.T) {
	t.Parallel()

	// A worker's lease must end before the deadline at which a sweep gives up.
	t.Run("workers and sweeps have the same deadline", func(t *testing.T) {
		t.Parallel()

		for _, function := range []string{"ProcessInquiry", "SweepOpenBatches"} {
			environment := dev().one(t, "AWS::Lambda::Function", function).Properties["Environment"]
			same(t, function+"'s deadline", at(environment, "Variables", "BATCH_DEADLINE"), "6h0m0s")
		}
	})

	// An account with a small quota cannot deploy reservations, so they are off by default.
	t.Run("concurrency is reserved only on request", func(t *testing.T) {
		t.Parallel()

		reserved := synthesize("prod", func(p *Props) { p.ReserveConcurrency = true })
		wanted := map[string]any{
			"Api": 300.0, "ManageApiKeys": 20.0, "AuthorizeRequest": 100.0, "DispatchBatch": 50.0, "ProcessInquiry": 50.0, "TallyStatuses": 20.0,
			"FailExhausted": nil, "SweepOpenBatches": nil,
		}
		same(t, "functions listed here", len(wanted), len(functions))
		for function, want := range wanted {
			const property = "ReservedConcurrentExecutions"
			same(t, function+"'s", reserved.one(t, "AWS::Lambda::Function", function+"Function").Properties[property], want)
			same(t, function+"'s by default", prod().one(t, "AWS::Lambda::Function", function+"Function").Properties[property], nil)
		}
		mapping := reserved.one(t, "AWS::Lambda::EventSourceMapping", "QueuedInquiries").Properties
		same(t, "workers that the queue keeps busy, which must not exceed the reservation", at(mapping, "ScalingConfig", "MaximumConcurrency"), any(50.0))
	})

	t.Run("the list has every folder below functions", func(t *testing.T) {
		t.Parallel()

		folders, err := os.ReadDir(filepath.Join("..", "functions"))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		for _, folder := range folders {
			want[folder.Name()] = true
		}
		got := map[string]bool{}
		for _, f := range functions {
			got[f.Name] = true
		}
		same(t, "functions", got, want)
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
				if value := text(value); strings.Contains(value, "resolve:") || (strings.Contains(name, "SECRET") && !strings.HasSuffix(name, "_ARNS")) {
					t.Errorf("%s has a secret in its environment variable %s: %s", id, name, value)
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
