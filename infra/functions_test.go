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
				if value := text(value); strings.Contains(value, "resolve:") || (strings.Contains(name, "SECRET") && !strings.HasSuffix(name, "_ARN")) {
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
