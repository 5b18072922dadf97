// Package ofac screens an inquiry against the list of Specially Designated
// Nationals of the US Treasury's Office of Foreign Assets Control.
//
// It knows the list's official CSV files and how a name is judged against them.
// It fetches nothing: the files come with the function, or from whoever
// refreshes them.
package ofac

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/batch-inquiries/batch-inquiries/shared/inquiry"
	"github.com/batch-inquiries/batch-inquiries/shared/source"
)

// List is one edition of the list, ready for screening. It never changes.
type List struct{}

// Load reads sdn.csv, alt.csv, add.csv and sdn_comments.csv, whatever the case of
// their names, and manifest.json if there is one.
func Load(dir fs.FS) (*List, error) { return nil, errors.New("not written yet") }

// Source screens against one list.
type Source struct{ list *List }

// New returns the source that screens against list.
func New(list *List) *Source { return &Source{list: list} }

// Describe says what the source is.
func (s *Source) Describe() source.Descriptor {
	return source.Descriptor{
		Type: "ofac", Version: "1", Criticality: source.Required,
		Subjects: []source.SubjectKind{source.SubjectBusiness, source.SubjectPrincipal},
		Timeout:  2 * time.Second,
		Licence:  "Work of the US government, public domain",
	}
}

// Applicable: every inquiry has a name to screen.
func (s *Source) Applicable(in inquiry.Inquiry) (bool, string) {
	if in.BusinessName == "" {
		return false, "no business name"
	}
	return true, ""
}

// Lookup screens the business and its principals.
func (s *Source) Lookup(context.Context, source.Query) (source.Result, error) {
	return source.Result{}, &source.Error{Kind: source.Stale, Detail: "no list"}
}
