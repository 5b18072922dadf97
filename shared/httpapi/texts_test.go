package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
)

func TestFaultMessages(t *testing.T) {
	t.Parallel()

	t.Run("they say what to change", func(t *testing.T) {
		t.Parallel()
		const moment = "give a date and time with a time zone (RFC 3339), such as 2026-11-23T00:00:00Z; in a URL, write a plus sign as %2B"
		for name, tt := range map[string]struct{ path, parameter, want string }{
			"a date":                       {"?createdFrom=2026-11-23", "createdFrom", moment},
			"a zone with a plus sign":      {"?createdTo=2026-11-23T00:00:00+02:00", "createdTo", moment},
			"an offset beyond the maximum": {"?offset=9999999999", "offset", "give a number of 1000000000 or less"},
			"an offset below 0":            {"?offset=-1", "offset", "give a number of 0 or more"},
			"a limit with an exponent":     {"?limit=1e2", "limit", "give an integer, digits only"},
			"a fractional limit":           {"?limit=0.5", "limit", "give an integer, digits only"},
			"an unknown status":            {"?status=DONE", "status", "give one of PENDING, RUNNING, COMPLETED, PARTIAL_SUCCESS, FAILED, CANCELLED"},
			"a name of 300 letters":        {"?namePrefix=" + strings.Repeat("n", 300), "namePrefix", "give at most 250 characters"},
			"an unknown parameter":         {"?page=2", "page", "this parameter does not exist; remove it or correct its name"},
		} {
			resp, body := newClient(t, newFake(), io.Discard).do(t, http.MethodGet, "/v1/batch-inquiries"+tt.path, "")
			p := problem(t, resp, body)
			if len(p.Errors) != 1 || p.Errors[0].Parameter != tt.parameter || p.Errors[0].Message != tt.want {
				t.Errorf("%s: %s", name, body)
			}
		}
		resp, body := newClient(t, newFake(), io.Discard).do(t, http.MethodPost, "/v1/batch-inquiries", `{"name":"A","inquiries":[{"businessName":"B"}]}`, "Idempotency-Key", "Schlüssel")
		if p := problem(t, resp, body); len(p.Errors) != 1 || p.Errors[0].Message != "give printable ASCII characters only" {
			t.Errorf("a key that is not ASCII: %s", body)
		}
	})

	// Each parameter of each operation gets invalid values.
	t.Run("none mentions the program", func(t *testing.T) {
		t.Parallel()
		wrong := []string{"x", "-1", "1e9", "99999999999999999999", "0.5", "2026-11-23", "ü\u2028", strings.Repeat("9", 300), strings.Repeat("x", 300)}
		said := map[string]bool{}
		for _, op := range operations(t, document(t)) {
			method, path, _ := strings.Cut(op.name, " ")
			id := inquiry.NewBatchID(noon)
			path = strings.NewReplacer("{batch_id}", id.String(), "{inquiry_id}", id.Inquiry(0).String()).Replace(path)
			parameters, _ := op.body["parameters"].([]any)
			for i, p := range parameters {
				name, _ := p.(map[string]any)["name"].(string)
				in := p.(map[string]any)["in"]
				for j, value := range wrong {
					c := newClient(t, fakeWithOne(), io.Discard)
					c.caller = auth.Caller{LenderID: inquiry.LenderID(fmt.Sprint(op.name, i, j)), UserID: "u", Role: auth.RoleMember}
					var resp *http.Response
					var body string
					switch in {
					case "query":
						resp, body = c.do(t, method, path+"?"+url.Values{name: {value}}.Encode(), "")
					case "header":
						resp, body = c.do(t, method, path, "", name, value)
					default:
						continue
					}
					if resp.StatusCode != http.StatusUnprocessableEntity {
						continue
					}
					for _, f := range problem(t, resp, body).Errors {
						if said[f.Message] = true; programmers.MatchString(f.Message) {
							t.Errorf("%s, %s %.20q: %s", op.name, name, value, f.Message)
						}
					}
				}
			}
		}
		if len(said) < 8 {
			t.Errorf("too few messages, so this test proves little: %v", said)
		}
	})

	t.Run("they say where the JSON ends", func(t *testing.T) {
		t.Parallel()
		const one = `{"businessName":"B"}`
		for body, want := range map[string]string{
			one + one:            "there is more text after the JSON value, at byte 20.",
			one + " \n,":         "there is more text after the JSON value, at byte 22.",
			one + "\x00":         "there is more text after the JSON value, at byte 20.",
			`{"businessName":"B`: "it ends too early.",
			`{"businessName":B}`: "there is an error at byte 16.",
			"\xef\xbb\xbf" + one: "it starts with a byte order mark; save it as UTF-8 without one.",
		} {
			resp, answer := newClient(t, newFake(), io.Discard).do(t, http.MethodPost, "/v1/inquiries", body)
			if p := problem(t, resp, answer); p.Status != http.StatusBadRequest || p.Detail != "The body is not valid JSON: "+want {
				t.Errorf("%q: %s", body, answer)
			}
		}
		if resp, answer := newClient(t, newFake(), io.Discard).do(t, http.MethodPost, "/v1/inquiries", one+" \r\n\t"); resp.StatusCode != http.StatusOK {
			t.Errorf("trailing whitespace: %s", answer)
		}
	})
}

// programmers matches words and signs that only programmers understand.
var programmers = regexp.MustCompile(`%[a-z!]|e\+\d|2006|\^|\\|expected|invalid |<nil>|\[\]|strconv|time\.`)
