package main

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompare(t *testing.T) {
	t.Parallel()

	table := finding{"checkov", "CKV_1", "TableCD117FA1", "encrypt it"}
	role := finding{"cfn-lint", "W3005", "ApiRole12", "redundant"}
	for name, tt := range map[string]struct {
		findings []finding
		rows     string
		want     []string // one part of each problem
	}{
		"no findings and no exceptions": {},
		"every finding is argued":       {[]finding{table, role}, "| checkov | CKV_1 | `Table` | why |\n| cfn-lint | W3005 | `Api`, `ApiRole` | why |", nil},
		"a finding is not argued":       {[]finding{table, role}, "| checkov | CKV_1 | `Table` | why |", []string{"cfn-lint W3005: ApiRole12: redundant"}},
		"another rule":                  {[]finding{table}, "| checkov | CKV_10 | `Table` | why |", []string{"CKV_1: Table", "CKV_10 does not find Table"}},
		"another tool":                  {[]finding{table}, "| cfn-lint | CKV_1 | `Table` | why |", []string{"checkov CKV_1", "cfn-lint CKV_1 does not find"}},
		"another resource":              {[]finding{table}, "| checkov | CKV_1 | `Queue` | why |", []string{"CKV_1: Table", "does not find Queue"}},
		"an exception for all":          {[]finding{table, role}, "| checkov | CKV_1 | all | why |\n| cfn-lint | W3005 | all | why |", nil},
		"no finding of all":             {nil, "| checkov | CKV_1 | all | why |", []string{"CKV_1 does not find anything"}},
		"an exception is not needed":    {[]finding{table}, "| checkov | CKV_1 | `Table`, `Queue` | why |", []string{"does not find Queue"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exceptions, err := parse("# A page\n\n| Tool | Rule | Resources | Why |\n|---|---|---|---|\n" + tt.rows)
			if err != nil {
				t.Fatal(err)
			}
			got := compare(tt.findings, exceptions)
			if len(got) != len(tt.want) {
				t.Fatalf("problems %q; want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("problem %q; want %q in it", got[i], want)
				}
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()

	for _, row := range []string{
		"| checkov | CKV_1 | `Table` | |", "| checkov | CKV_1 | `Table` |", "| checkov | CKV_1 | | why |", "| checkov | | `Table` | why |",
		"| checkov | CKV_1 | `Table`, | why |",
	} {
		if got, err := parse(row); err == nil {
			t.Errorf("parse(%q) = %v; want an error", row, got)
		}
	}

	t.Run("the repository's own file", func(t *testing.T) {
		t.Parallel()
		page, err := os.ReadFile("../../../" + exceptionsFile)
		if err != nil {
			t.Fatal(err)
		}
		exceptions, err := parse(string(page))
		if err != nil || len(exceptions) == 0 {
			t.Errorf("%d exceptions, %v", len(exceptions), err)
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()

	t.Run("cfn-lint", func(t *testing.T) {
		t.Parallel()
		got, err := readLint([]byte(`[{"Message":"redundant","Rule":{"Id":"W3005"},"Location":{"Path":["Resources","ApiRole12","DependsOn",0]}},
			{"Message":"bad template","Rule":{"Id":"E0000"},"Location":{"Path":null}}]`))
		want := []finding{{"cfn-lint", "W3005", "ApiRole12", "redundant"}, {"cfn-lint", "E0000", "", "bad template"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})

	t.Run("checkov", func(t *testing.T) {
		t.Parallel()
		got, err := readCheckov([]byte(`{"results":{"failed_checks":[{"check_id":"CKV_1","check_name":"encrypt it","resource":"AWS::DynamoDB::Table.TableCD1"}]},
			"summary":{"passed":3,"failed":1,"parsing_errors":0}}`))
		want := []finding{{"checkov", "CKV_1", "TableCD1", "encrypt it"}}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v\n%s", err, diff)
		}
	})

	for name, output := range map[string]string{
		"nothing checked":            `{"passed":0,"failed":0,"parsing_errors":0}`,
		"a template that is no JSON": `{"results":{"failed_checks":[]},"summary":{"passed":3,"parsing_errors":1}}`,
		"no output":                  ``,
	} {
		if got, err := readCheckov([]byte(output)); err == nil {
			t.Errorf("checkov, %s: %v; want an error", name, got)
		}
	}
}
