package httpapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

// secret stands for personal data: no response to an invalid request may repeat it.
const secret = "Zanzibar"

// business returns a body whose second inquiry has these members.
func business(members string) string {
	return `{"name":"A","inquiries":[{"businessName":"First","externalId":"L-0"},{"externalId":"L-1",` + members + `}]}`
}

func TestSubmitBody(t *testing.T) {
	t.Parallel()

	// Each want is "pointer code", in the order of the list. Faults of the inquiry at
	// index 1 must have its index and externalId.
	t.Run("invalid input is rejected and every fault is listed", func(t *testing.T) {
		t.Parallel()
		long := strings.Repeat("x", 251)
		tests := map[string]struct {
			body   string
			status int
			want   []string
		}{
			"no body":                          {"", 400, nil},
			"spaces":                           {"  \n", 400, nil},
			"not JSON":                         {secret, 400, nil},
			"cut off":                          {`{"name":"A","inquiries":[{"businessName":"` + secret, 400, nil},
			"two documents":                    {`{"name":"A","inquiries":[{"businessName":"B"}]} {"x":"` + secret + `"}`, 400, nil},
			"a comment":                        {`{"name":"A", /* ` + secret + ` */ "inquiries":[{"businessName":"B"}]}`, 400, nil},
			"a trailing comma":                 {`{"name":"A","inquiries":[{"businessName":"` + secret + `"},]}`, 400, nil},
			"bytes that are not text":          {"{\"name\":\"\xff\xfe\",\"inquiries\":[{\"businessName\":\"B\"}]}", 400, nil},
			"half a surrogate pair":            {`{"name":"\ud800","inquiries":[{"businessName":"B"}]}`, 400, nil},
			"null":                             {`null`, 422, []string{" type"}},
			"an array":                         {`[{"businessName":"B"}]`, 422, []string{" type"}},
			"a string":                         {`"` + secret + `"`, 422, []string{" type"}},
			"an empty object":                  {`{}`, 422, []string{"/inquiries required", "/name required"}},
			"no name":                          {`{"inquiries":[{"businessName":"B"}]}`, 422, []string{"/name required"}},
			"an empty name":                    {`{"name":"","inquiries":[{"businessName":"B"}]}`, 422, []string{"/name too-short"}},
			"a name of spaces":                 {`{"name":"  ","inquiries":[{"businessName":"B"}]}`, 422, []string{"/name required"}},
			"a tab in the name":                {`{"name":"a\tb","inquiries":[{"businessName":"B"}]}`, 422, []string{"/name control-character"}},
			"a name that is too long":          {`{"name":"` + long + `","inquiries":[{"businessName":"B"}]}`, 422, []string{"/name too-long"}},
			"a name of the wrong type":         {`{"name":7,"inquiries":[{"businessName":"B"}]}`, 422, []string{"/name type"}},
			"no inquiries":                     {`{"name":"A"}`, 422, []string{"/inquiries required"}},
			"null inquiries":                   {`{"name":"A","inquiries":null}`, 422, []string{"/inquiries required"}},
			"an empty batch":                   {`{"name":"A","inquiries":[]}`, 422, []string{"/inquiries too-few"}},
			"inquiries as an object":           {`{"name":"A","inquiries":{"businessName":"B"}}`, 422, []string{"/inquiries type"}},
			"an inquiry that is null":          {`{"name":"A","inquiries":[null]}`, 422, []string{"/inquiries/0 type"}},
			"an inquiry that is text":          {`{"name":"A","inquiries":["` + secret + `"]}`, 422, []string{"/inquiries/0 type"}},
			"a field of the table":             {`{"name":"A","inquiries":[{"businessName":"B"}],"PK":"LENDER#x"}`, 422, []string{"/PK unknown-field"}},
			"a status to assign":               {business(`"businessName":"B","status":"COMPLETED"`), 422, []string{"/inquiries/1/status unknown-field"}},
			"a field in a different case":      {business(`"businessName":"B","BusinessName":"C"`), 422, []string{"/inquiries/1/BusinessName unknown-field"}},
			"an unknown field with dots":       {business(`"businessName":"B","a.b[0]/c~d":1,"ein":"x"`), 422, []string{"/inquiries/1/a.b[0]~1c~0d unknown-field", "/inquiries/1/ein form"}},
			"no business name":                 {business(`"ein":"123456789"`), 422, []string{"/inquiries/1/businessName required"}},
			"a null business name":             {business(`"businessName":null`), 422, []string{"/inquiries/1/businessName required"}},
			"a business name of spaces":        {business(`"businessName":"   "`), 422, []string{"/inquiries/1/businessName required"}},
			"a business name that is too long": {business(`"businessName":"` + secret + long + `"`), 422, []string{"/inquiries/1/businessName too-long"}},
			"a business name of the wrong type": {business(`"businessName":["` + secret + `"]`), 422,
				[]string{"/inquiries/1/businessName type"}},
			"a line break in a name":           {business(`"businessName":"` + secret + `\nB"`), 422, []string{"/inquiries/1/businessName control-character"}},
			"an EIN of eight digits":           {business(`"businessName":"B","ein":"12345678"`), 422, []string{"/inquiries/1/ein form"}},
			"an EIN as a number":               {business(`"businessName":"B","ein":123456789`), 422, []string{"/inquiries/1/ein type"}},
			"an EIN of zeros":                  {business(`"businessName":"B","ein":"000000000"`), 422, []string{"/inquiries/1/ein invalid"}},
			"an EIN with the hyphen elsewhere": {business(`"businessName":"B","ein":"123-456789"`), 422, []string{"/inquiries/1/ein form"}},
			"an EIN with a line break":         {business(`"businessName":"B","ein":"123456789\n"`), 422, []string{"/inquiries/1/ein form"}},
			"an address as text":               {business(`"businessName":"B","address":"` + secret + `"`), 422, []string{"/inquiries/1/address type"}},
			"an unknown address field":         {business(`"businessName":"B","address":{"zip":"` + secret + `"}`), 422, []string{"/inquiries/1/address/zip unknown-field"}},
			"a country name":                   {business(`"businessName":"B","address":{"country":"` + secret + `"}`), 422, []string{"/inquiries/1/address/country form"}},
			"a phone number that is text":      {business(`"businessName":"B","phone":"` + secret + `"`), 422, []string{"/inquiries/1/phone form"}},
			"two email addresses":              {business(`"businessName":"B","email":"a@` + secret + `.example, b@x.example"`), 422, []string{"/inquiries/1/email form"}},
			"a website that is a script":       {business(`"businessName":"B","website":"javascript:` + secret + `"`), 422, []string{"/inquiries/1/website form"}},
			"a name that is shown backwards":   {business(`"businessName":"\u202e` + secret + `"`), 422, []string{"/inquiries/1/businessName control-character"}},
			"a noncharacter in a name":         {business(`"businessName":"` + secret + `\uffff"`), 422, []string{"/inquiries/1/businessName damaged-text"}},
			"a website with a space":           {business(`"businessName":"B","website":"` + secret + ` .example"`), 422, []string{"/inquiries/1/website form"}},
			"a birth date that does not exist": {business(`"businessName":"B","principals":[{"lastName":"` + secret + `","dateOfBirth":"1985-02-30"}]`), 422, []string{"/inquiries/1/principals/0/dateOfBirth invalid"}},
			"a birth date that is text":        {business(`"businessName":"B","principals":[{"lastName":"A","dateOfBirth":"` + secret + `"}]`), 422, []string{"/inquiries/1/principals/0/dateOfBirth form"}},
			"a principal without a name":       {business(`"businessName":"B","principals":[{"title":"` + secret + `"}]`), 422, []string{"/inquiries/1/principals/0/lastName required"}},
			"an unknown principal field":       {business(`"businessName":"B","principals":[{"lastName":"A","ssn":"` + secret + `"}]`), 422, []string{"/inquiries/1/principals/0/ssn unknown-field"}},
			"a share above 100":                {business(`"businessName":"B","principals":[{"lastName":"A","ownershipPercentage":100.5}]`), 422, []string{"/inquiries/1/principals/0/ownershipPercentage out-of-range"}},
			"a share below 0":                  {business(`"businessName":"B","principals":[{"lastName":"A","ownershipPercentage":-1}]`), 422, []string{"/inquiries/1/principals/0/ownershipPercentage out-of-range"}},
			"a share that is text":             {business(`"businessName":"B","principals":[{"lastName":"A","ownershipPercentage":"` + secret + `"}]`), 422, []string{"/inquiries/1/principals/0/ownershipPercentage type"}},
			"a number with a huge exponent":    {business(`"businessName":"B","principals":[{"lastName":"A","ownershipPercentage":1e999999999}]`), 422, []string{"/inquiries/1/principals/0/ownershipPercentage bad-number"}},
			"a number of a million digits": {business(`"businessName":"B","principals":[{"lastName":"A","ownershipPercentage":` + strings.Repeat("9", 1_000_000) + `}]`), 422,
				[]string{"/inquiries/1/principals/0/ownershipPercentage bad-number"}},
			"too many principals": {business(`"businessName":"B","principals":[` + strings.Repeat(`{"lastName":"A"},`, 20) + `{"lastName":"A"}]`), 422,
				[]string{"/inquiries/1/principals too-many"}},
			"an external id that is too long": {`{"name":"A","inquiries":[{"businessName":"B","externalId":"` + long + `"}]}`, 422, []string{"/inquiries/0/externalId too-long"}},
			"an external id as a number":      {`{"name":"A","inquiries":[{"businessName":"B","externalId":7}]}`, 422, []string{"/inquiries/0/externalId type"}},
			"an external id twice":            {`{"name":"A","inquiries":[{"businessName":"B","externalId":"L-1"},{"businessName":"C","externalId":"L-1"}]}`, 422, []string{"/inquiries/1/externalId duplicate"}},
			"nested metadata":                 {business(`"businessName":"B","metadata":{"a":{"b":"` + secret + `"}}`), 422, []string{"/inquiries/1/metadata/a type"}},
			"too much metadata":               {business(`"businessName":"B","metadata":{` + members(17) + `}`), 422, []string{"/inquiries/1/metadata too-many"}},
			"metadata that is too long":       {business(`"businessName":"B","metadata":{"a":"` + long + `"}`), 422, []string{"/inquiries/1/metadata/a too-long"}},
			"a name twice":                    {`{"name":"A","name":"` + secret + `","inquiries":[{"businessName":"B"}]}`, 422, []string{"/name duplicate-name"}},
			"nested names twice": {business(`"businessName":"B","ein":"123456789","ein":"` + secret + `","address":{"city":"x","city":"y"}`), 422,
				[]string{"/inquiries/1/address/city duplicate-name", "/inquiries/1/ein duplicate-name"}},
			"a name twice, once escaped": {business(`"businessName":"B","business\u004eame":"` + secret + `"`), 422, []string{"/inquiries/1/businessName duplicate-name"}},
			"nested too deeply":          {`{"name":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, 422, nil},
			"many kinds of faults at once": {
				`{"nme":"A","inquiries":[{"businessName":"","externalId":"L-0"},{"businessName":"B","ein":"1","phone":5,"externalId":"L-1"},{"businessName":"C","externalId":"L-1"}]}`, 422,
				[]string{
					"/name required", "/nme unknown-field", "/inquiries/0/businessName too-short",
					"/inquiries/1/ein form", "/inquiries/1/phone type", "/inquiries/2/externalId duplicate",
				},
			},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				fake := newFake()
				resp, body := newClient(t, fake, io.Discard).do(t, "POST", "/v1/batch-inquiries/", tt.body, "Content-Type", "application/json")
				p := problem(t, resp, body)
				var got []string
				for _, f := range p.Errors {
					got = append(got, f.Pointer+" "+f.Code)
					if strings.HasPrefix(f.Pointer, "/inquiries/1/") && (f.Index == nil || *f.Index != 1 || f.ExternalID != "L-1") {
						t.Errorf("fault %+v does not identify its inquiry", f)
					}
					if f.Message == "" {
						t.Errorf("fault %+v does not say what to change", f)
					}
				}
				if p.Status != tt.status || (tt.want != nil && !cmp.Equal(tt.want, got)) || p.Status == 422 && len(got) == 0 {
					t.Errorf("status %d, want %d; faults (-want +got):\n%s", p.Status, tt.status, cmp.Diff(tt.want, got))
				}
				if len(fake.stored) != 0 {
					t.Error("the batch was stored")
				}
				if strings.Contains(body, secret) {
					t.Errorf("the response repeats the value sent: %s", body)
				}
			})
		}
	})

	t.Run("each lender has its own limit", func(t *testing.T) {
		t.Parallel()
		batch := func(n int) string {
			return `{"name":"A","inquiries":[` + strings.Repeat(`{"businessName":"B"},`, n-1) + `{"businessName":"B"}]}`
		}
		for _, limit := range []int{1, 250, 5000} {
			fake := newFake()
			fake.lender.BatchMax = limit
			c := newClient(t, fake, io.Discard)
			if resp, body := c.do(t, "POST", "/v1/batch-inquiries/", batch(limit)); resp.StatusCode != http.StatusOK {
				t.Errorf("%d inquiries at a limit of %d: %d %.300s", limit, limit, resp.StatusCode, body)
			}
			resp, body := c.do(t, "POST", "/v1/batch-inquiries/", batch(limit+1))
			p := problem(t, resp, body)
			if len(p.Errors) != 1 || p.Errors[0].Pointer != "/inquiries" || p.Errors[0].Code != "too-many" || len(fake.stored) != 1 {
				t.Errorf("%d inquiries at a limit of %d: %+v", limit+1, limit, p)
			}
		}
	})

	t.Run("a body has at most 5 MiB", func(t *testing.T) {
		t.Parallel()
		const limit = 5 << 20
		head, tail := `{"name":"A","inquiries":[{"businessName":"B"}]`, `}`
		for extra, want := range map[int]int{0: http.StatusOK, 1: http.StatusRequestEntityTooLarge, 1 << 20: http.StatusRequestEntityTooLarge} {
			body := head + strings.Repeat(" ", limit-len(head)-len(tail)+extra) + tail
			resp, answer := newClient(t, newFake(), io.Discard).do(t, "POST", "/v1/batch-inquiries/", body)
			if resp.StatusCode != want {
				t.Errorf("%d bytes beyond 5 MiB: %d, want %d", extra, resp.StatusCode, want)
			}
			if want != http.StatusOK {
				problem(t, resp, answer)
			}
		}
	})

	t.Run("other media types are rejected", func(t *testing.T) {
		t.Parallel()
		const body = `{"name":"A","inquiries":[{"businessName":"B"}]}`
		for media, want := range map[string]int{
			"application/json": 200, "application/json; charset=utf-8": 200, `application/json; charset="UTF-8"`: 200, "": 200,
			"application/json; charset=utf-16": 415, "application/json; charset=iso-8859-1": 415,
			"text/csv": 415, "application/x-www-form-urlencoded": 415, "application/jsonp": 415, ";;": 415,
		} {
			resp, answer := newClient(t, newFake(), io.Discard).do(t, "POST", "/v1/batch-inquiries/", body, "Content-Type", media)
			if resp.StatusCode != want {
				t.Errorf("Content-Type %q: %d, want %d: %s", media, resp.StatusCode, want, answer)
			}
		}
	})

	t.Run("a fault of the whole body points to it", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/v1/batch-inquiries", "/v1/inquiries"} {
			for _, body := range []string{`[]`, `null`, `"x"`} {
				_, answer := newClient(t, newFake(), io.Discard).do(t, "POST", path, body)
				if !strings.Contains(answer, `"errors":[{"pointer":"","code":"type"`) {
					t.Errorf("POST %s of %s: %s", path, body, answer)
				}
			}
		}
		_, answer := newClient(t, newFake(), io.Discard).do(t, "GET", "/v1/batch-inquiries?limit=0", "")
		if strings.Contains(answer, "pointer") {
			t.Errorf("a parameter's fault points into a body: %s", answer)
		}
	})

	t.Run("an empty body is reported as empty", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"/v1/batch-inquiries", "/v1/inquiries"} {
			resp, answer := newClient(t, newFake(), io.Discard).do(t, "POST", path, "")
			if p := problem(t, resp, answer); p.Status != http.StatusBadRequest || !strings.Contains(p.Detail, "empty") {
				t.Errorf("POST %s: %s", path, answer)
			}
		}
	})

	// An answer has a size limit too: faults beyond some thousands are not listed.
	t.Run("the list of faults is limited", func(t *testing.T) {
		t.Parallel()
		fake := newFake()
		fake.lender.BatchMax = 65535
		body := `{"name":"A","inquiries":[` + strings.Repeat(`{"businessName":""},`, 30_000) + `{"businessName":"B"}]}`
		started := time.Now()
		resp, answer := newClient(t, fake, io.Discard).do(t, "POST", "/v1/batch-inquiries/", body)
		p := problem(t, resp, answer)
		if len(p.Errors) != 5000 || len(answer) > 2<<20 {
			t.Errorf("%d faults in %d bytes", len(p.Errors), len(answer))
		}
		t.Logf("checked %d bytes in %s", len(body), time.Since(started))
	})

	// The document's body and the domain's inquiry have the same members, both ways.
	t.Run("the contract and the domain have the same fields", func(t *testing.T) {
		t.Parallel()
		full := `{"name":"A","inquiries":[{
		"businessName":"a","dba":"b","ein":"123456789","phone":"1","email":"c@d.example","website":"e.example",
		"address":{"line1":"f","line2":"g","city":"h","state":"I","postalCode":"j","country":"KL"},
		"principals":[{"firstName":"m","lastName":"n","dateOfBirth":"1980-02-29","title":"o","ownershipPercentage":0}],
		"externalId":"p","metadata":{"q":"r"}}]}`
		fake := newFake()
		if resp, body := newClient(t, fake, io.Discard).do(t, "POST", "/v1/batch-inquiries/", full); resp.StatusCode != http.StatusOK {
			t.Fatal(body)
		}
		stored, err := json.Marshal(fake.stored[0].Inquiries[0])
		if err != nil {
			t.Fatal(err)
		}
		var sent httpapi.SubmitBody
		if err := json.Unmarshal([]byte(full), &sent); err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(sent.Inquiries[0])
		if err != nil {
			t.Fatal(err)
		}
		var a, b map[string]any
		if err := json.Unmarshal(stored, &a); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(shown, &b); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, b); diff != "" || len(a) != 10 {
			t.Errorf("stored and sent differ (-stored +sent):\n%s", diff)
		}
	})
}

func members(n int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`"k%d":"v"`, i))
	}
	return strings.Join(list, ",")
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()

	t.Run("only printable ASCII is accepted", func(t *testing.T) {
		t.Parallel()
		const body = `{"name":"A","inquiries":[{"businessName":"B"}]}`
		for key, want := range map[string]int{
			"a": 200, strings.Repeat("k", 255): 200, "with space and ~": 200,
			strings.Repeat("k", 256): 422, "zero\x01": 422, "Schlüssel": 422,
		} {
			resp, answer := newClient(t, newFake(), io.Discard).do(t, "POST", "/v1/batch-inquiries/", body, "Idempotency-Key", key)
			if resp.StatusCode != want {
				t.Errorf("key %q: %d, want %d: %s", key, resp.StatusCode, want, answer)
			}
		}
	})
}
