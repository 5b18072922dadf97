package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	t.Parallel()

	t.Run("say what to do", func(t *testing.T) {
		t.Parallel()
		const absent = `{"type":"/v1/docs#problem-not-found","title":"Not found","detail":"There is no such thing, or it is not yours."}`
		l := newLab(t, map[string]http.HandlerFunc{
			"GET " + batches:                     respond(401, `{"type":"/v1/docs#problem-key-revoked","title":"The API key has ended","detail":"Make a new one."}`),
			"GET " + batches + "/" + absentID:    respond(404, absent),
			"GET /v1/users/me/api-key":           respond(404, absent),
			"DELETE " + batches + "/" + absentID: respond(404, absent),
		})
		for name, tt := range map[string]struct {
			args []string
			want []string
		}{
			"rejected key":      {[]string{"list"}, []string{"The API key has ended", "Check that BI_API_KEY"}},
			"unknown batch":     {[]string{"watch", absentID}, []string{"Not found", listHint}},
			"nothing to delete": {[]string{"delete", "--yes", absentID}, []string{"Not found", listHint}},
			"no key yet":        {[]string{"key", "show"}, []string{"Not found"}},
			"wrong address":     {[]string{"whoami"}, []string{"404", "Check BI_URL"}},
		} {
			t.Run(name, func(t *testing.T) {
				l.expect(t, l.bi(t, tt.args...), exitError, tt.want...)
				if strings.Contains(l.errOut.String(), listHint) != slices.Contains(tt.want, listHint) {
					t.Errorf("the hint at bi list is missing or misplaced: %s", &l.errOut)
				}
			})
		}
	})
}

func TestVersion(t *testing.T) {
	t.Parallel()

	l := newLab(t, nil)
	l.expect(t, l.bi(t, "--version"), exitCompleted)
	if got, want := l.out.String(), "bi version "+versionText()+"\n"; got != want || versionText() == "" {
		t.Errorf("bi --version printed %q; want %q", got, want)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()

	t.Run("sends no request if the command line is wrong", func(t *testing.T) {
		t.Parallel()
		l := &lab{api: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("bi requested %s", r.URL) })}
		loans := file(t, "loans.csv", loans)
		folder := filepath.Dir(loans)
		for name, tt := range map[string]struct {
			args []string
			want string
		}{
			"missing argument":              {[]string{"watch"}, "watch needs exactly one argument, but it got 0\nUsage: bi watch BATCH"},
			"watch with an empty id":        {[]string{"watch", ""}, `BATCH must be a batch's id`},
			"results with an empty id":      {[]string{"results", "", "-o", filepath.Join(folder, "out")}, `BATCH must be a batch's id`},
			"cancel with an empty id":       {[]string{"cancel", ""}, `BATCH must be a batch's id`},
			"rerun with a word":             {[]string{"rerun", "--failed", "abc"}, `but it is "abc"`},
			"delete with a path":            {[]string{"delete", "--yes", batchID + "/"}, listHint},
			"delete without a terminal":     {[]string{"delete", batchID}, "add --yes"},
			"unknown command":               {[]string{"sumbit"}, `unknown command "bi sumbit"`},
			"unknown flag":                  {[]string{"list", "--all"}, "unknown flag: --all"},
			"limit of zero":                 {[]string{"list", "--limit", "0"}, "1 or more"},
			"limit in letters":              {[]string{"list", "--limit", "abc"}, `invalid argument "abc" for "--limit" flag: it must be a whole number, 1 or more`},
			"unknown status":                {[]string{"list", "--status", "foo"}, "one of pending, running, completed, partial_success, failed, cancelled"},
			"unknown scope":                 {[]string{"results", batchID, "--scope", "foo"}, "one of all, succeeded, failed"},
			"unknown format":                {[]string{"results", batchID, "--format", "xml"}, "one of ndjson, csv"},
			"results into a folder":         {[]string{"results", batchID, "-o", folder}, "is a folder"},
			"results into a new folder":     {[]string{"results", batchID, "-o", filepath.Join(folder, "new") + "/"}, "is a folder"},
			"results into a missing folder": {[]string{"results", batchID, "-o", filepath.Join(folder, "none", "x.csv")}, "no such file or directory"},
			"unknown shell":                 {[]string{"completion", "foo"}, `unknown command "bi completion foo"`},
			"missing file":                  {[]string{"submit", "absent.csv"}, "absent.csv: no such file"},
			"unknown column":                {[]string{"submit", file(t, "x.csv", "company\nA\n")}, `the column "company" is unknown`},
			"invalid address":               {[]string{"list", "--url", "localhost"}, "must look like https://"},
		} {
			t.Run(name, func(t *testing.T) {
				l.expect(t, l.bi(t, tt.args...), exitUsage, tt.want)
				if strings.Contains(l.errOut.String(), "strconv") || strings.Contains(l.errOut.String(), "results are incomplete") {
					t.Errorf("stderr is %s", &l.errOut)
				}
			})
		}
		if left, err := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("bi left files behind: %v, %v", left, err)
		}
		for _, missing := range []string{"BI_URL", "BI_API_KEY"} {
			env := map[string]string{"BI_URL": "https://api.example", "BI_API_KEY": testKey}
			delete(env, missing)
			l.errOut.Reset()
			code := run(t.Context(), []string{"list"}, process{env: func(name string) string { return env[name] }, stdout: &l.out, stderr: &l.errOut})
			l.expect(t, code, exitUsage, "Set "+missing)
		}
	})

	t.Run("help and completion need no API", func(t *testing.T) {
		t.Parallel()
		for _, args := range [][]string{{}, {"--help"}, {"submit", "--help"}, {"completion", "bash"}, {"key"}} {
			var out, errOut bytes.Buffer
			p := process{env: func(string) string { return "" }, stdout: &out, stderr: &errOut}
			if code := run(t.Context(), args, p); code != exitCompleted || out.Len() == 0 {
				t.Errorf("bi %q: exit code %d, %s", args, code, &errOut)
			}
		}
	})
}
