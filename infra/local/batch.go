package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// csvColumns explains the header row of a batch in CSV.
const csvColumns = `A .csv file has one inquiry a line, under a header row that names the columns in
any order: businessName, dba, ein, phone, email, website, externalId;
address.line1, .line2, .city, .state, .postalCode, .country;
principals.0.firstName, .lastName, .dateOfBirth, .title, .ownershipPercentage,
then principals.1.firstName and so on; metadata.<any name>. Empty cells are left out.`

// submission is the body of POST /v1/batch-inquiries/. What an inquiry may hold
// is for the API to say, which reports everything that is wrong at once.
type submission struct {
	Name      string `json:"name"`
	Inquiries []any  `json:"inquiries"`
}

// readBatch reads a batch from a .json file, as the API takes it, or from a
// .csv file.
func readBatch(path string) (submission, error) {
	f, err := os.Open(path)
	if err != nil {
		return submission{}, fmt.Errorf("%w: BATCH must name a .json or .csv file", err)
	}
	defer f.Close()

	var s submission
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json":
		err = json.NewDecoder(f).Decode(&s)
	case ".csv":
		s.Name = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		s.Inquiries, err = readCSV(f)
	default:
		err = errors.New("the name must end in .json or .csv")
	}
	if err == nil && len(s.Inquiries) == 0 {
		err = errors.New("there is no inquiry in it")
	}
	if err != nil {
		return submission{}, fmt.Errorf("reading %s: %w", path, err)
	}
	return s, nil
}

// readCSV turns each line into an inquiry as the API takes it in JSON.
func readCSV(r io.Reader) ([]any, error) {
	lines := csv.NewReader(r)
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the header row is missing")
	}
	if err != nil {
		return nil, err
	}
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // what spreadsheets put first
	paths := make([][]string, len(header))
	for i, column := range header {
		if paths[i], err = columnPath(strings.TrimSpace(column)); err != nil {
			return nil, err
		}
	}
	var inquiries []any
	for {
		cells, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return inquiries, nil
		}
		if err != nil {
			return nil, err
		}
		inquiry := map[string]any{}
		for i, cell := range cells {
			if err := set(inquiry, paths[i], strings.TrimSpace(cell)); err != nil {
				line, _ := lines.FieldPos(i)
				return nil, fmt.Errorf("line %d, column %s: %w", line, header[i], err)
			}
		}
		inquiries = append(inquiries, closeLists(inquiry))
	}
}

var (
	topColumns = []string{"businessName", "dba", "ein", "phone", "email", "website", "externalId"}
	addresses  = []string{"line1", "line2", "city", "state", "postalCode", "country"}
	principals = []string{"firstName", "lastName", "dateOfBirth", "title", ownership}
)

// ownership is the one column that is a number in JSON.
const ownership = "ownershipPercentage"

// maxPrincipals is how many the API takes of one business.
const maxPrincipals = 20

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
		return nil, fmt.Errorf("there is no column %q. %s", column, csvColumns)
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
			return fmt.Errorf("%q is not a number", cell)
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

// closeLists turns the principals, by number so far, into a list without gaps.
func closeLists(inquiry map[string]any) map[string]any {
	numbered, ok := inquiry["principals"].(map[string]any)
	if !ok {
		return inquiry
	}
	var people []any
	for n := range maxPrincipals {
		if person, ok := numbered[strconv.Itoa(n)]; ok {
			people = append(people, person)
		}
	}
	inquiry["principals"] = people
	return inquiry
}
