package batchfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Columns explains the header row of a CSV file, for a command's help.
const Columns = `A .csv file has a header row and then one row per inquiry. The header names the
columns, in any order:
  businessName, dba, ein, phone, email, website, externalId
  address.line1, .line2, .city, .state, .postalCode, .country
  principals.0.firstName, .lastName, .dateOfBirth, .title, .ownershipPercentage,
  then principals.1.firstName and so on
  metadata.<any name>
Empty cells and empty rows are ignored.`

var (
	businessColumns  = []string{"businessName", "dba", "ein", "phone", "email", "website", "externalId"}
	addressColumns   = []string{"line1", "line2", "city", "state", "postalCode", "country"}
	principalColumns = []string{"firstName", "lastName", "dateOfBirth", "title", ownership}
)

// ownership is the only column whose JSON value is a number.
const ownership = "ownershipPercentage"

// MaxPrincipals is the largest number of principals that the API accepts for one
// inquiry.
const MaxPrincipals = 20

// byteOrderMark is at the beginning of files that some spreadsheet programs write.
const byteOrderMark = "\ufeff"

// row is the place of an inquiry in a spreadsheet.
type row struct {
	number     int   // as the spreadsheet shows it: the header is row 1
	principals []int // the number in the columns of each principal, since empty ones are left out
}

// place returns the row and, if steps name one, the column.
func (r row) place(steps []string) string {
	steps = slices.Clone(steps)
	if len(steps) > 1 && steps[0] == "principals" {
		if n, err := strconv.Atoi(steps[1]); err == nil && n >= 0 && n < len(r.principals) {
			steps[1] = strconv.Itoa(r.principals[n])
		}
	}
	if len(steps) == 0 {
		return fmt.Sprintf("row %d", r.number)
	}
	return fmt.Sprintf("row %d, column %s", r.number, strings.Join(steps, "."))
}

// readCSV converts each row into an inquiry in the API's JSON format.
func readCSV(r io.Reader) (*File, error) {
	t := &table{lines: csv.NewReader(r)}
	t.lines.FieldsPerRecord = -1 // checked below, where the error can name the row
	header, _, err := t.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the header row is missing")
	}
	if err != nil {
		return nil, err
	}
	paths, err := columnPaths(header)
	if err != nil {
		return nil, err
	}
	file := &File{members: map[string]any{}, rows: []row{}}
	for {
		cells, number, err := t.next()
		if errors.Is(err, io.EOF) {
			return file, nil
		}
		if err != nil {
			return nil, err
		}
		if len(cells) != len(header) {
			return nil, fmt.Errorf("row %d has %d cells and the header has %d: does a cell contain a comma without quotes around it?", number, len(cells), len(header))
		}
		inquiry := map[string]any{}
		for i, cell := range cells {
			if err := set(inquiry, paths[i], strings.TrimSpace(cell)); err != nil {
				return nil, fmt.Errorf("row %d, column %s: %w", number, strings.Join(paths[i], "."), err)
			}
		}
		if len(inquiry) == 0 {
			continue
		}
		file.rows = append(file.rows, row{number: number, principals: compactPrincipals(inquiry)})
		file.inquiries = append(file.inquiries, inquiry)
	}
}

// table reads rows with their numbers in a spreadsheet, which differ from the line
// numbers of the file when a cell contains line breaks.
type table struct {
	lines *csv.Reader
	extra int // lines so far that did not start a row
}

func (t *table) next() (cells []string, number int, err error) {
	cells, err = t.lines.Read()
	if failed, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, 0, fmt.Errorf("row %d: %w", failed.StartLine-t.extra, failed.Err)
	}
	if err != nil {
		return nil, 0, err
	}
	line, _ := t.lines.FieldPos(0)
	number = line - t.extra
	for _, cell := range cells {
		t.extra += strings.Count(cell, "\n")
	}
	return cells, number, nil
}

// columnPaths returns the path of each column in the header.
func columnPaths(header []string) ([][]string, error) {
	header[0] = strings.TrimPrefix(header[0], byteOrderMark)
	if len(header) == 1 && strings.Contains(header[0], ";") {
		return nil, errors.New("the columns are separated by semicolons: save the file with commas instead")
	}
	paths, seen := make([][]string, len(header)), map[string]bool{}
	for i, column := range header {
		column = strings.TrimSpace(column)
		if seen[column] {
			return nil, fmt.Errorf("the header has the column %q twice", column)
		}
		seen[column] = true
		var err error
		if paths[i], err = columnPath(column); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// columnPath splits the name of a column into the steps of its path. It rejects a
// name that the API does not know.
func columnPath(column string) ([]string, error) {
	path := strings.Split(column, ".")
	known := false
	switch {
	case len(path) == 1:
		known = slices.Contains(businessColumns, path[0])
	case len(path) == 2 && path[0] == "address":
		known = slices.Contains(addressColumns, path[1])
	case len(path) == 2 && path[0] == "metadata":
		known = path[1] != ""
	case len(path) == 3 && path[0] == "principals":
		n, err := strconv.Atoi(path[1])
		known = err == nil && n >= 0 && n < MaxPrincipals && slices.Contains(principalColumns, path[2])
	}
	if !known {
		return nil, fmt.Errorf("the column %q is unknown. %s", column, Columns)
	}
	return path, nil
}

// set stores a cell in an inquiry at the path of its column.
func set(inquiry map[string]any, path []string, cell string) error {
	if cell == "" {
		return nil
	}
	var value any = cell
	if path[len(path)-1] == ownership {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(cell, "%"), 64)
		if err != nil {
			return errors.New("the cell must be a number, such as 25 or 25%")
		}
		value = percent
	}
	place := inquiry
	for _, step := range path[:len(path)-1] {
		next, ok := place[step].(map[string]any)
		if !ok {
			next = map[string]any{}
			place[step] = next
		}
		place = next
	}
	place[path[len(path)-1]] = value
	return nil
}

// compactPrincipals replaces the map of principals by number with a list without
// gaps, and returns their numbers.
func compactPrincipals(inquiry map[string]any) (numbers []int) {
	numbered, ok := inquiry["principals"].(map[string]any)
	if !ok {
		return nil
	}
	var people []any
	for n := range MaxPrincipals {
		if person, ok := numbered[strconv.Itoa(n)]; ok {
			people = append(people, person)
			numbers = append(numbers, n)
		}
	}
	inquiry["principals"] = people
	return numbers
}
