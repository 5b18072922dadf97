// Package batchfile reads a batch from a file: JSON in the API's format, or a
// spreadsheet saved as CSV.
//
// It remembers where each inquiry is in the file, so that an error can be shown at
// its row and column. It does not validate inquiries. The API does, and reports
// everything that is wrong at once.
package batchfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// File is a batch that was read from a file. It marshals to the body of a
// submission.
type File struct {
	members   map[string]any // of the body, without the inquiries
	inquiries []any
	rows      []row // of the inquiries; nil for a JSON file
}

// Read reads a .json or a .csv file. A batch without a name is named after the
// file, as is every batch in CSV.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	var file *File
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		file, err = readJSON(f)
	case ".csv":
		file, err = readCSV(f)
	default:
		err = errors.New("the name of the file must end in .json or .csv")
	}
	if err == nil && len(file.inquiries) == 0 {
		err = errors.New("the file has no inquiries")
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if file.Name() == "" {
		file.Set("name", strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)))
	}
	return file, nil
}

// readJSON reads the body of a submission or a list of inquiries. It keeps the
// values as they are, for the API to validate.
func readJSON(r io.Reader) (*File, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	list, members := json.RawMessage(data), map[string]json.RawMessage{}
	if !bytes.HasPrefix(data, []byte("[")) {
		if err := json.Unmarshal(data, &members); err != nil {
			return nil, explainJSON(err, data)
		}
		list = members["inquiries"]
		delete(members, "inquiries")
	}
	file := &File{members: map[string]any{}}
	for name, value := range members {
		file.members[name] = value
	}
	if list == nil {
		return file, nil
	}
	var inquiries []json.RawMessage
	if err := json.Unmarshal(list, &inquiries); err != nil {
		return nil, explainJSON(err, list)
	}
	for _, one := range inquiries {
		file.inquiries = append(file.inquiries, one)
	}
	return file, nil
}

// explainJSON adds the line number to a syntax error. If the file has the wrong
// structure, it says what the file must look like.
func explainJSON(err error, data []byte) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		before := data[:min(int(syntax.Offset), len(data))]
		return fmt.Errorf("line %d: %w", 1+bytes.Count(before, []byte("\n")), err)
	}
	if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errors.New(`the file must contain {"name": …, "inquiries": [{…}, …]} or [{…}, …]`)
	}
	return err
}

// Name returns the batch's name.
func (f *File) Name() string {
	switch name := f.members["name"].(type) {
	case string:
		return name
	case json.RawMessage:
		var text string
		if json.Unmarshal(name, &text) != nil {
			return string(name) // not a string, which the API will reject
		}
		return text
	}
	return ""
}

// Len returns the number of inquiries.
func (f *File) Len() int { return len(f.inquiries) }

// Set replaces a member of the submission, such as its name or onInvalid.
func (f *File) Set(member string, value any) { f.members[member] = value }

// MarshalJSON returns the body of a submission.
func (f *File) MarshalJSON() ([]byte, error) {
	body := map[string]any{"inquiries": f.inquiries}
	for name, value := range f.members {
		body[name] = value
	}
	return json.Marshal(body)
}

// Place returns the place in the file that a JSON pointer into the body refers to.
// For a spreadsheet, that is a row and a column; the header is row 1. For JSON, it
// is the pointer itself.
func (f *File) Place(pointer string) string {
	steps := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	if f.rows == nil || len(steps) < 2 || steps[0] != "inquiries" {
		return pointer
	}
	var index int
	if _, err := fmt.Sscanf(steps[1], "%d", &index); err != nil || index < 0 || index >= len(f.rows) {
		return pointer
	}
	return f.rows[index].place(steps[2:])
}
