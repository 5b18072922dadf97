package client_test

import (
	"encoding"
	"reflect"
	"strings"
	"testing"

	"github.com/batch-inquiries/batch-inquiries/client"
	"github.com/batch-inquiries/batch-inquiries/shared/httpapi"
)

// The client's types are written by hand, to be read; what they say of the wire
// is held against the API's own. Every member that we read must be one that the
// API sends, and of its type. A member that is new in the API breaks no client,
// so it is only mentioned (go test -v).
func TestTypesAreTheAPIs(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string]struct{ ours, theirs reflect.Type }{
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
			compare(t, name, pair.ours, pair.theirs)
		})
	}
}

func compare(t *testing.T, at string, ours, theirs reflect.Type) {
	t.Helper()
	for ours.Kind() == reflect.Pointer {
		ours = ours.Elem()
	}
	for theirs.Kind() == reflect.Pointer {
		theirs = theirs.Elem()
	}
	switch {
	case ours.Kind() == reflect.String && theirs.Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return // ids and the like, which are strings on the wire
	case ours.Kind() != theirs.Kind():
		t.Errorf("%s is %s here and %s there", at, ours, theirs)
	case ours.Kind() == reflect.Slice, ours.Kind() == reflect.Map:
		compare(t, at, ours.Elem(), theirs.Elem())
	case ours.Kind() == reflect.Struct && ours != theirs:
		mine, yours := members(ours), members(theirs)
		for name, field := range mine {
			if other, ok := yours[name]; ok {
				compare(t, at+"."+name, field, other)
			} else {
				t.Errorf("%s.%s is not in the API", at, name)
			}
		}
		for name := range yours {
			if _, ok := mine[name]; !ok {
				t.Logf("%s.%s is not in the client", at, name)
			}
		}
	}
}

// members are a struct's fields by their names on the wire.
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
