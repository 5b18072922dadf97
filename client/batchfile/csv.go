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

// Columns explains the header row of a batch in CSV.
const Columns = `A .csv file has one inquiry a row, under a header row that names the columns in
any order: businessName, dba, ein, phone, email, website, externalId;
address.line1, .line2, .city, .state, .postalCode, .country;
principals.0.firstName, .lastName, .dateOfBirth, .title, .ownershipPercentage,
then principals.1.firstName and so on; metadata.<any name>. Empty cells and empty
rows are left out.`

var (
	topColumns = []string{"businessName", "dba", "ein", "phone", "email", "website", "externalId"}
	addresses  = []string{"line1", "line2", "city", "state", "postalCode", "country"}
	principals = []string{"firstName", "lastName", "dateOfBirth", "title", ownership}
)

// ownership is the one column that is a number in JSON.
const ownership = "ownershipPercentage"

// maxPrincipals is how many the API takes of one business.
const maxPrincipals = 20

// byteOrderMark is what spreadsheets put first.
const byteOrderMark = "\ufeff"

// row is where an inquiry stands in a spreadsheet.
type row struct {
	number int   // as the spreadsheet shows it: the header is row 1
	people []int // the columns' number of each principal, for those without a cell are left out
}

// place is the row and, where steps lead to one, the column.
func (r row) place(steps []string) string {
	steps = slices.Clone(steps)
	if len(steps) > 1 && steps[0] == "principals" {
		if n, err := strconv.Atoi(steps[1]); err == nil && n >= 0 && n < len(r.people) {
			steps[1] = strconv.Itoa(r.people[n])
		}
	}
	if len(steps) == 0 {
		return fmt.Sprintf("row %d", r.number)
	}
	return fmt.Sprintf("row %d, column %s", r.number, strings.Join(steps, "."))
}

// readCSV turns each row into an inquiry as the API takes it in JSON.
func readCSV(r io.Reader) (*File, error) {
	t := &table{lines: csv.NewReader(r)}
	t.lines.FieldsPerRecord = -1 // we say it with the spreadsheet's row
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
			return nil, fmt.Errorf("row %d has %d cells and the header has %d: is a comma in a cell without quotes around it?", number, len(cells), len(header))
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
		file.rows = append(file.rows, row{number: number, people: closeLists(inquiry)})
		file.inquiries = append(file.inquiries, inquiry)
	}
}

// table reads rows and knows their numbers in a spreadsheet, which differ from
// the lines of the file where a cell has several.
type table struct {
	lines *csv.Reader
	extra int // lines so far that are no rows of their own
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

// columnPaths reads the header.
func columnPaths(header []string) ([][]string, error) {
	header[0] = strings.TrimPrefix(header[0], byteOrderMark)
	if len(header) == 1 && strings.Contains(header[0], ";") {
		return nil, errors.New("the columns are separated by semicolons: save the file with commas")
	}
	paths, seen := make([][]string, len(header)), map[string]bool{}
	for i, column := range header {
		column = strings.TrimSpace(column)
		if seen[column] {
			return nil, fmt.Errorf("the column %q is there twice", column)
		}
		seen[column] = true
		var err error
		if paths[i], err = columnPath(column); err != nil {
			return nil, err
		}
	}
	return paths, nil
}

// columnPath splits a column's name into steps, if the API knows it.
func columnPath(column string) ([]string, error) {
	path := strings.Split(column, ".")
	known := false
	switch {
	case len(path) == 1:
		known = slices.Contains(topColumns, path[0])
	case len(path) == 2 && path[0] == "address":
		known = slices.Contains(addresses, path[1])
	case len(path) == 2 && path[0] == "metadata":
		known = path[1] != ""
	case len(path) == 3 && path[0] == "principals":
		n, err := strconv.Atoi(path[1])
		known = err == nil && n >= 0 && n < maxPrincipals && slices.Contains(principals, path[2])
	}
	if !known {
		return nil, fmt.Errorf("there is no column %q. %s", column, Columns)
	}
	return path, nil
}

// set puts a cell into an inquiry, at the place its column names.
func set(inquiry map[string]any, path []string, cell string) error {
	if cell == "" {
		return nil
	}
	var value any = cell
	if path[len(path)-1] == ownership {
		percent, err := strconv.ParseFloat(strings.TrimSuffix(cell, "%"), 64)
		if err != nil {
			return errors.New("this is not a number")
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

// closeLists turns the principals, by number so far, into a list without gaps,
// and returns their numbers.
func closeLists(inquiry map[string]any) (numbers []int) {
	numbered, ok := inquiry["principals"].(map[string]any)
	if !ok {
		return nil
	}
	var people []any
	for n := range maxPrincipals {
		if person, ok := numbered[strconv.Itoa(n)]; ok {
			people = append(people, person)
			numbers = append(numbers, n)
		}
	}
	inquiry["principals"] = people
	return numbers
}
