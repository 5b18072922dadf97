package simulation

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/batch-inquiries/batch-inquiries/shared/auth"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/report"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
	"github.com/batch-inquiries/batch-inquiries/shared/store"
	"github.com/batch-inquiries/batch-inquiries/simulation/table"
)

// edgeFaults are the faults at the edges of the service, where nothing interleaves.
// They run the same code without a scheduler.
var edgeFaults = map[string]func(*testing.T){
	"37 tokens that this service must not accept":     hostileTokens,
	"38 ids of another lender, on every route":        idsOfAnotherLender,
	"39 hostile bodies":                               hostileBodies,
	"40 one lender floods, another submits ten":       quietBesideFlood,
	"41 results around a kilobyte and too large ones": sizes,
}

// keyServer is a user pool that counts the requests for its keys.
type keyServer struct {
	key   *rsa.PublicKey
	asked int
}

func (k *keyServer) RoundTrip(*http.Request) (*http.Response, error) {
	k.asked++
	body, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kid": "ours", "kty": "RSA", "alg": "RS256", "use": "sig",
		"n": base64.RawURLEncoding.EncodeToString(k.key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(k.key.E)).Bytes()),
	}}})
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}, err
}

func hostileTokens(t *testing.T) {
	ours, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pool := &keyServer{key: &ours.PublicKey}
	tokens := auth.NewTokens(auth.Pool{Region: "r", ID: "pool", ClientID: "client", Endpoint: "http://pool.test"},
		&http.Client{Transport: pool}, func() time.Time { return noon })
	issuer := "https://cognito-idp.r.amazonaws.com/pool"
	sign := func(method jwt.SigningMethod, kid string, key any, change jwt.MapClaims) string {
		claims := jwt.MapClaims{"sub": "user", "iss": issuer, "token_use": "access", "client_id": "client", "exp": noon.Add(time.Hour).Unix()}
		for name, v := range change {
			claims[name] = v
		}
		token := jwt.NewWithClaims(method, claims)
		token.Header["kid"] = kid
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	if sub, err := tokens.Verify(t.Context(), sign(jwt.SigningMethodRS256, "ours", ours, nil)); err != nil || sub != "user" {
		t.Fatalf("a valid token: %q, %v", sub, err)
	}
	for name, token := range map[string]string{
		"expired":            sign(jwt.SigningMethodRS256, "ours", ours, jwt.MapClaims{"exp": noon.Add(-time.Hour).Unix()}),
		"of another pool":    sign(jwt.SigningMethodRS256, "ours", ours, jwt.MapClaims{"iss": issuer + "2"}),
		"ID for access":      sign(jwt.SigningMethodRS256, "ours", ours, jwt.MapClaims{"token_use": "id"}),
		"of another client":  sign(jwt.SigningMethodRS256, "ours", ours, jwt.MapClaims{"client_id": "other"}),
		"alg none":           sign(jwt.SigningMethodNone, "ours", jwt.UnsafeAllowNoneSignatureType, nil),
		"signed by another":  sign(jwt.SigningMethodRS256, "ours", theirs, nil),
		"unknown key of 999": sign(jwt.SigningMethodRS256, "invented", theirs, nil),
	} {
		if sub, err := tokens.Verify(t.Context(), token); !errors.Is(err, auth.ErrInvalidToken) || sub != "" {
			t.Errorf("%s: user %q, error %v, want ErrInvalidToken", name, sub, err)
		}
	}
	_, rest, _ := strings.Cut(sign(jwt.SigningMethodRS256, "x", theirs, nil), ".")
	for i := range 1000 {
		header := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"alg":"RS256","kid":"invented-%d"}`, i))
		if _, err := tokens.Verify(t.Context(), header+"."+rest); !errors.Is(err, auth.ErrInvalidToken) {
			t.Fatalf("an unknown key id: %v", err)
		}
	}
	if pool.asked > 1 {
		t.Errorf("1,000 unknown key ids led to %d requests to the pool", pool.asked)
	}
}

// service is the API over a simulated table. A second passes between requests, so
// that no lender exceeds its request rate.
type service struct {
	handler http.Handler
	table   *table.Table
	store   *store.Store
}

// trusting takes every caller at their word.
type trusting struct{}

func (trusting) RoleNow(_ context.Context, c auth.Caller) (auth.Role, error) { return c.Role, nil }

func newService(t *testing.T) service {
	t.Helper()
	at := noon
	now := func() time.Time { return at }
	tbl := table.New(tableName, now)
	s := store.New(tbl, tableName, now)
	for _, lender := range lenders {
		if _, _, err := s.CreateLender(t.Context(), inquiry.Lender{ID: lender, Name: "A Lender"}); err != nil {
			t.Fatal(err)
		}
		member := memberOf(lender)
		if _, _, err := s.AddUser(t.Context(), store.User{ID: member.UserID, LenderID: lender, Role: member.Role}); err != nil {
			t.Fatal(err)
		}
	}
	api := httpapi.API{Batches: s, Access: trusting{}, Now: now, Log: slog.New(slog.DiscardHandler)}
	routes := api.Handler()
	paced := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routes.ServeHTTP(w, r)
		at = at.Add(time.Second)
	})
	return service{paced, tbl, s}
}

// do sends one request as a member of a lender.
func (s service) do(ctx context.Context, lender inquiry.LenderID, method, path string, body []byte) (status int, answer string) {
	r := httptest.NewRequestWithContext(ctx, method, "http://service.test/", bytes.NewReader(body))
	r.URL.Path = path
	r.Header.Set("Content-Type", "application/json")
	r = r.WithContext(httpapi.WithRequest(ctx, httpapi.Request{ID: "r", Caller: auth.Caller{LenderID: lender, UserID: memberOf(lender).UserID, Role: auth.RoleMember}}))
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func idsOfAnotherLender(t *testing.T) {
	s := newService(t)
	status, answer := s.do(t.Context(), acme, "POST", "/v1/batch-inquiries", []byte(`{"name":"B","inquiries":[{"businessName":"Hidden Fox LLC"},{"businessName":"Hidden Fox Two LLC"}]}`))
	if status != http.StatusOK {
		t.Fatalf("submitting: %d %s", status, answer)
	}
	var submitted struct{ BatchID inquiry.BatchID }
	if err := json.Unmarshal([]byte(answer), &submitted); err != nil {
		t.Fatal(err)
	}
	batch, one := submitted.BatchID.String(), submitted.BatchID.Inquiry(1).String()
	routes := func(batch, one string) map[string]string {
		return map[string]string{
			"/v1/batch-inquiries/" + batch: "GET", "/v1/batch-inquiries/" + batch + "/inquiries": "GET",
			"/v1/inquiries/" + one: "GET", "/v1/batch-inquiries/" + batch + "/cancel": "POST",
		}
	}
	for path, method := range routes(batch, one) {
		if method == "GET" {
			if status, _ := s.do(t.Context(), acme, method, path, nil); status != http.StatusOK {
				t.Errorf("the batch's own lender gets %d from %s", status, path)
			}
		}
	}
	before := s.table.Commit()
	rng := mathrand.New(mathrand.NewPCG(1, 1))
	for n := range 500 {
		b, i := []byte(batch), []byte(one)
		if n > 0 { // the first id is unchanged
			for range 1 + rng.IntN(3) {
				b[rng.IntN(len(b))] = "0123456789abcdefF-/#%.\x00é"[rng.IntN(22)]
				i[rng.IntN(len(i))] = "0123456789abcdefF-/#%.\x00é"[rng.IntN(22)]
			}
		}
		if n%7 == 1 {
			b, i = []byte(one), []byte(batch)
		}
		if n%11 == 2 {
			b = append([]byte("../"+string(acme)+"#BATCH#"), b...)
		}
		for path, method := range routes(string(b), string(i)) {
			status, answer := s.do(t.Context(), zenith, method, path, nil)
			if status < 300 || status >= 500 || status == http.StatusTooManyRequests || strings.Contains(answer, "Hidden Fox") {
				t.Fatalf("%s %q returns %d %s", method, path, status, answer)
			}
		}
	}
	if status, answer := s.do(t.Context(), zenith, "GET", "/v1/batch-inquiries", nil); status != http.StatusOK || strings.Contains(answer, batch) {
		t.Errorf("the other lender's list returns %d %s", status, answer)
	}
	if s.table.Commit() != before {
		t.Error("the other lender's requests wrote something")
	}
}

func hostileBodies(t *testing.T) {
	s := newService(t)
	before := s.table.Commit()
	list := func(n int) string {
		one := make([]string, n)
		for i := range one {
			one[i] = fmt.Sprintf(`{"businessName":"B %d"}`, i)
		}
		return `{"name":"B","inquiries":[` + strings.Join(one, ",") + `]}`
	}
	deep := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	for name, body := range map[string]string{
		"a key twice":                   `{"name":"B","name":"C","inquiries":[{"businessName":"B"}]}`,
		"an inquiry's key twice":        `{"name":"B","inquiries":[{"businessName":"B","businessName":"C"}]}`,
		"unknown fields":                `{"name":"B","lenderId":"zenith","inquiries":[{"businessName":"B"}]}`,
		"10,000 levels deep":            deep(10_000),
		"deep metadata":                 `{"name":"B","inquiries":[{"businessName":"B","metadata":` + deep(10_000) + `}]}`,
		"6 MB and a byte":               `{"name":"B","inquiries":[{"businessName":"` + strings.Repeat("x", 6<<20) + `"}]}`,
		"no inquiry":                    list(0),
		"one inquiry more than allowed": list(251),
		"a number that costs gigabytes": `{"name":"B","inquiries":[{"businessName":"B","principals":[{"lastName":"X","ownershipPercentage":1e1000000000}]}]}`,
		"not UTF-8":                     "{\"name\":\"\xff\xfe\",\"inquiries\":[{\"businessName\":\"B\"}]}",
		"two documents":                 list(1) + list(1),
		"nothing":                       "",
	} {
		status, answer := s.do(t.Context(), acme, "POST", "/v1/batch-inquiries", []byte(body))
		if status < 400 || status >= 500 {
			t.Errorf("%s returns %d %.200s", name, status, answer)
		}
	}
	if s.table.Commit() != before {
		t.Error("a rejected body wrote something")
	}
	if status, answer := s.do(t.Context(), acme, "POST", "/v1/batch-inquiries", []byte(list(250))); status != http.StatusOK {
		t.Errorf("as many inquiries as allowed: %d %.200s", status, answer)
	}
}

// sized writes reports of chosen sizes to the inquiries of one batch.
type sized struct {
	service
	batch inquiry.BatchID
	next  int
}

func newSized(t *testing.T) *sized {
	t.Helper()
	s := newService(t)
	lender, err := s.store.Lender(t.Context(), acme)
	if err != nil {
		t.Fatal(err)
	}
	batch, _, err := s.store.Submit(t.Context(), lender, inquiry.Submission{Submitter: memberOf(acme), Inquiries: make([]inquiry.Inquiry, 2000)})
	if err != nil {
		t.Fatal(err)
	}
	return &sized{service: s, batch: batch}
}

// finish writes a report of that size to the next inquiry and returns the write units.
func (s *sized) finish(t *testing.T, bytes int) (units float64, err error) {
	t.Helper()
	id := s.batch.Inquiry(s.next)
	s.next++
	claim, err := s.store.Claim(t.Context(), acme, id, "one-token-of-26-characters", noon.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	before := s.table.Consumed()["UpdateItem"].Write
	err = s.store.Finish(t.Context(), claim, store.Result{Status: inquiry.StatusCompleted, Report: make([]byte, bytes)})
	return s.table.Consumed()["UpdateItem"].Write - before, err
}

func sizes(t *testing.T) {
	t.Run("a result around a kilobyte", aroundAKilobyte)
	t.Run("a result that is too large", tooLarge)
}

func aroundAKilobyte(t *testing.T) {
	s := newSized(t)
	// Find the smallest report that makes the item cost a second unit.
	low, high := 1, 1024
	for low < high {
		middle := (low + high) / 2
		units, err := s.finish(t, middle)
		if err != nil {
			t.Fatal(err)
		}
		if units > 1 {
			high = middle
		} else {
			low = middle + 1
		}
	}
	for bytes, want := range map[int]float64{low - 2: 1, low - 1: 1, low: 2, low + 1023: 2, low + 1024: 3} {
		if units, err := s.finish(t, bytes); err != nil || units != want {
			t.Errorf("a report of %d bytes costs %v units, want %v (%v)", bytes, units, want, err)
		}
	}
	if own := 1024 - (low - 1); own > 450 {
		t.Errorf("an inquiry's item has %d bytes in addition to its report", own)
	}
}

// tooLarge checks that the largest report that sources can cause fits, and that a
// larger item is rejected whole.
func tooLarge(t *testing.T) {
	s := newSized(t)
	big := source.Answer{Type: "list", Criticality: source.Required, Outcome: inquiry.OutcomeFound}
	rng := mathrand.New(mathrand.NewPCG(1, 1))
	noise := make([]byte, 4000)
	for n := range 3000 {
		for i := range noise {
			noise[i] = byte(' ' + rng.IntN(90))
		}
		big.Records = append(big.Records, source.Record{
			Outcome: inquiry.OutcomeFound, Subject: source.Principal(n % 300), Properties: map[string]string{"text": string(noise)},
		})
	}
	packed, err := report.Encode(report.Compose(s.batch.Inquiry(s.next), []source.Answer{big}, noon))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.finish(t, len(packed)); err != nil {
		t.Errorf("a report of %d bytes: %v", len(packed), err)
	}
	if _, err := s.finish(t, report.MaxEncoded); err != nil {
		t.Errorf("the largest report: %v", err)
	}
	if _, err := s.finish(t, 400<<10); err == nil {
		t.Error("an item of more than 400 KB was accepted")
	}
	entry, err := s.store.Entry(t.Context(), acme, s.batch.Inquiry(s.next-1))
	if err != nil {
		t.Fatal(err)
	}
	if entry.Record.Status != inquiry.StatusRunning {
		t.Errorf("after a rejected write the inquiry is %s", entry.Record.Status)
	}
}
