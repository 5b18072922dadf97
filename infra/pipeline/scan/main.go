// Command scan checks CloudFormation templates with cfn-lint and checkov, which must be
// on the PATH. It fails if they find anything that docs/scan-exceptions.md does not argue,
// or if that file has an exception that is no longer needed.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const exceptionsFile = "docs/scan-exceptions.md"

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "Usage: scan TEMPLATE...")
		os.Exit(2)
	}
	if err := scan(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// scan returns an error that names everything to do, or prints how much was checked.
func scan(templates []string) error {
	page, err := os.ReadFile(exceptionsFile)
	if err != nil {
		return err
	}
	exceptions, err := parse(string(page))
	if err != nil {
		return err
	}
	var findings []finding
	for _, template := range templates {
		found, err := check(template)
		if err != nil {
			return fmt.Errorf("checking %s: %w", template, err)
		}
		findings = append(findings, found...)
	}
	if problems := compare(findings, exceptions); len(problems) > 0 {
		return errors.New(strings.Join(problems, "\n"))
	}
	fmt.Printf("%d findings, all argued in %d rows of %s\n", len(findings), len(exceptions), exceptionsFile)
	return nil
}

// check returns what both programs find in a template.
func check(template string) ([]finding, error) {
	lint, err := output("cfn-lint", "--format", "json", "--template", template)
	if err != nil {
		return nil, err
	}
	checkov, err := output("checkov", "--framework", "cloudformation", "--output", "json", "--compact", "--skip-download", "--file", template)
	if err != nil {
		return nil, err
	}
	fromLint, lintErr := readLint(lint)
	fromCheckov, checkovErr := readCheckov(checkov)
	return append(fromLint, fromCheckov...), errors.Join(lintErr, checkovErr)
}

// output returns what a program prints. Both programs have an exit code other than 0 if
// they find something, so an error is output that is not the expected JSON.
func output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		return nil, fmt.Errorf("running %s: %w", name, err)
	}
	return out, nil
}

// finding is one rule that one resource breaks.
type finding struct{ Tool, Rule, Resource, Text string }

// readLint reads the output of cfn-lint.
func readLint(data []byte) (findings []finding, err error) {
	var matches []struct {
		Message  string
		Rule     struct{ Id string }
		Location struct{ Path []any }
	}
	if err := json.Unmarshal(data, &matches); err != nil {
		return nil, fmt.Errorf("reading what cfn-lint printed: %w\n%s", err, data)
	}
	for _, m := range matches {
		resource := ""
		if path := m.Location.Path; len(path) > 1 && path[0] == "Resources" {
			resource = fmt.Sprint(path[1])
		}
		findings = append(findings, finding{"cfn-lint", m.Rule.Id, resource, m.Message})
	}
	return findings, nil
}

// readCheckov reads the output of checkov. Its checks must have read the template: a run
// that checked nothing has no findings either.
func readCheckov(data []byte) (findings []finding, err error) {
	var report struct {
		Results struct {
			FailedChecks []struct {
				CheckID   string `json:"check_id"`
				CheckName string `json:"check_name"`
				Resource  string
			} `json:"failed_checks"`
		}
		Summary struct {
			Passed        int
			ParsingErrors int `json:"parsing_errors"`
		}
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("reading what checkov printed: %w\n%s", err, data)
	}
	if report.Summary.Passed == 0 || report.Summary.ParsingErrors > 0 {
		return nil, fmt.Errorf("checkov could not check the template: %s", bytes.TrimSpace(data))
	}
	for _, c := range report.Results.FailedChecks {
		resource := c.Resource[strings.LastIndex(c.Resource, ".")+1:]
		findings = append(findings, finding{"checkov", c.CheckID, resource, c.CheckName})
	}
	return findings, nil
}

// exception is one row of the table in the file of exceptions.
type exception struct {
	Tool, Rule string
	Resources  []string // beginnings of logical ids; "" for all
}

// covers reports whether the exception is about the finding.
func (e exception) covers(f finding) bool {
	return e.Tool == f.Tool && e.Rule == f.Rule &&
		slices.ContainsFunc(e.Resources, func(prefix string) bool { return strings.HasPrefix(f.Resource, prefix) })
}

// parse reads the rows of the table: tool, rule, resources, reason.
func parse(page string) (exceptions []exception, err error) {
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if cells[0] != "cfn-lint" && cells[0] != "checkov" {
			continue
		}
		if len(cells) != 4 || cells[1] == "" || cells[3] == "" {
			return nil, fmt.Errorf("%s: a row needs a tool, a rule, resources and a reason: %s", exceptionsFile, line)
		}
		e := exception{Tool: cells[0], Rule: cells[1]}
		for prefix := range strings.SplitSeq(cells[2], ",") {
			if prefix = strings.Trim(strings.TrimSpace(prefix), "`"); prefix == "" {
				return nil, fmt.Errorf("%s: a row names no resource: %s", exceptionsFile, line)
			}
			if prefix == "all" {
				prefix = ""
			}
			e.Resources = append(e.Resources, prefix)
		}
		exceptions = append(exceptions, e)
	}
	return exceptions, nil
}

// compare returns a sentence for each finding without an exception, and for each resource
// of an exception without a finding.
func compare(findings []finding, exceptions []exception) (problems []string) {
	for _, f := range findings {
		if !slices.ContainsFunc(exceptions, func(e exception) bool { return e.covers(f) }) {
			problems = append(problems, fmt.Sprintf("%s %s: %s: %s", f.Tool, f.Rule, f.Resource, f.Text))
		}
	}
	for _, e := range exceptions {
		for _, prefix := range e.Resources {
			one := exception{e.Tool, e.Rule, []string{prefix}}
			if !slices.ContainsFunc(findings, one.covers) {
				problems = append(problems, fmt.Sprintf("%s: %s %s does not find %s: remove it from the row", exceptionsFile, e.Tool, e.Rule, cmp.Or(prefix, "anything")))
			}
		}
	}
	return problems
}
