package client_test

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

// The client's types are written by hand so that they are easy to read. This test
// compares them with the API's own: every member that the client reads must be one
// that the API sends, with the same type. A new member in the API breaks no client,
// so it is only logged (go test -v).
func TestTypes(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string]struct{ client, api reflect.Type }{
		"submission": {reflect.TypeFor[client.Submission](), reflect.TypeFor[httpapi.SubmitBody]()},
		"submitted":  {reflect.TypeFor[client.Submitted](), reflect.TypeFor[httpapi.SubmittedBody]()},
		"validated":  {reflect.TypeFor[client.Validated](), reflect.TypeFor[httpapi.ValidatedBody]()},
		"batch":      {reflect.TypeFor[client.Batch](), reflect.TypeFor[httpapi.BatchBody]()},
		"summary":    {reflect.TypeFor[client.InquirySummary](), reflect.TypeFor[httpapi.InquirySummary]()},
		"inquiry":    {reflect.TypeFor[client.Inquiry](), reflect.TypeFor[httpapi.InquiryBody]()},
		"rerun":      {reflect.TypeFor[client.Rerun](), reflect.TypeFor[httpapi.RerunBody]()},
		"single":     {reflect.TypeFor[client.SubmittedInquiry](), reflect.TypeFor[httpapi.SubmittedInquiryBody]()},
		"me":         {reflect.TypeFor[client.Me](), reflect.TypeFor[httpapi.MeBody]()},
		"problem":    {reflect.TypeFor[client.Problem](), reflect.TypeFor[httpapi.Problem]()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compareTypes(t, name, pair.client, pair.api)
		})
	}
}

// compareTypes compares two types by their form in JSON.
func compareTypes(t *testing.T, path string, inClient, inAPI reflect.Type) {
	t.Helper()
	for inClient.Kind() == reflect.Pointer {
		inClient = inClient.Elem()
	}
	for inAPI.Kind() == reflect.Pointer {
		inAPI = inAPI.Elem()
	}
	switch {
	case inClient.Kind() == reflect.String && inAPI.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return // ids and the like, which are strings in JSON
	case inClient.Kind() != inAPI.Kind():
		t.Errorf("%s is %s in the client and %s in the API", path, inClient, inAPI)
	case inClient.Kind() == reflect.Slice, inClient.Kind() == reflect.Map:
		compareTypes(t, path, inClient.Elem(), inAPI.Elem())
	case inClient.Kind() == reflect.Struct && inClient != inAPI:
		clientMembers, apiMembers := members(inClient), members(inAPI)
		for name, member := range clientMembers {
			if other, ok := apiMembers[name]; ok {
				compareTypes(t, path+"."+name, member, other)
			} else {
				t.Errorf("%s.%s is in the client but not in the API", path, name)
			}
		}
		for name := range apiMembers {
			if _, ok := clientMembers[name]; !ok {
				t.Logf("%s.%s is in the API but not in the client", path, name)
			}
		}
	}
}

// members returns the types of a struct's fields by their JSON names.
func members(of reflect.Type) map[string]reflect.Type {
	all := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(of) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && name != "-" && field.IsExported() {
			all[name] = field.Type
		}
	}
	return all
}

// The limits that the client repeats must be those of the API's reference.
func TestLimits(t *testing.T) {
	t.Parallel()
	var document struct {
		Paths map[string]map[string]struct {
			Parameters []struct {
				Name   string
				Schema struct {
					Maximum int
					Default any
				}
			}
		}
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ MaxItems int }
			}
		}
	}
	if err := json.Unmarshal(readFile(t, "../docs/openapi.json"), &document); err != nil {
		t.Fatal(err)
	}
	lists := 0
	for path, methods := range document.Paths {
		for _, parameter := range methods["get"].Parameters {
			if parameter.Name != "limit" {
				continue
			}
			lists++
			if parameter.Schema.Maximum != client.MaxPageSize {
				t.Errorf("%s returns at most %d items, but MaxPageSize is %d", path, parameter.Schema.Maximum, client.MaxPageSize)
			}
			if parameter.Schema.Default != float64(client.DefaultPageSize) {
				t.Errorf("%s returns %v items by default, but DefaultPageSize is %d", path, parameter.Schema.Default, client.DefaultPageSize)
			}
		}
	}
	if lists != 2 {
		t.Errorf("the reference has %d lists with a limit, want 2", lists)
	}
	if most := document.Components.Schemas["InquiryInput"].Properties["principals"].MaxItems; most != batchfile.MaxPrincipals {
		t.Errorf("an inquiry can have %d principals, but MaxPrincipals is %d", most, batchfile.MaxPrincipals)
	}
}
