package batchfile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadCSV(t *testing.T) {
	t.Parallel()

	tests := map[string]struct {
		csv     string
		want    string // as JSON
		wantErr string
	}{
		"columns in any order, empty cells are ignored": {
			csv:  "externalId,businessName,ein\nLOAN-1,\"Kylderon, LLC\",\nLOAN-2,Sablefin,470555102\n",
			want: `[{"businessName":"Kylderon, LLC","externalId":"LOAN-1"},{"businessName":"Sablefin","ein":"470555102","externalId":"LOAN-2"}]`,
		},
		"dotted columns become nested objects": {
			csv:  "businessName,address.city,metadata.branch\nKylderon,Eastmoor,east\n",
			want: `[{"address":{"city":"Eastmoor"},"businessName":"Kylderon","metadata":{"branch":"east"}}]`,
		},
		"principals become a list without the empty ones": {
			csv:  "businessName,principals.0.lastName,principals.1.lastName,principals.1.ownershipPercentage\nA,,Aldous,60%\nB,Kylder,,\n",
			want: `[{"businessName":"A","principals":[{"lastName":"Aldous","ownershipPercentage":60}]},{"businessName":"B","principals":[{"lastName":"Kylder"}]}]`,
		},
		"byte order mark": {
			csv:  "\ufeffbusinessName\nKylderon\n",
			want: `[{"businessName":"Kylderon"}]`,
		},
		"empty rows are ignored": {
			csv:  "businessName,ein\nKylderon,\n,\n , \n",
			want: `[{"businessName":"Kylderon"}]`,
		},
		"unknown column":            {csv: "businessName,adress.city\nA,B\n", wantErr: `the column "adress.city" is unknown`},
		"duplicate column":          {csv: "businessName,ein,ein\nA,B,C\n", wantErr: `the header has the column "ein" twice`},
		"principal without a field": {csv: "businessName,principals.0\nA,B\n", wantErr: `the column "principals.0" is unknown`},
		"text in a number column":   {csv: "businessName,principals.0.ownershipPercentage\nA,half\n", wantErr: "row 2, column principals.0.ownershipPercentage"},
		"row with too many cells":   {csv: "businessName\nA,B\n", wantErr: "row 2 has 2 cells and the header has 1"},
		"unclosed quote":            {csv: "businessName\nA\n\"B\n", wantErr: "row 3: "},
		"semicolons":                {csv: "businessName;ein\nA;B\n", wantErr: "save the file with commas"},
		"empty file":                {csv: "", wantErr: "header row is missing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := readCSV(strings.NewReader(tt.csv))
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("readCSV() = %v; want an error with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(got.inquiries)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(data)); diff != "" {
				t.Errorf("readCSV() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()

	// The rows have the numbers that a spreadsheet program shows.
	t.Run("returns the row and column of the spreadsheet", func(t *testing.T) {
		t.Parallel()

		f, err := readCSV(strings.NewReader("businessName,principals.0.lastName,principals.3.lastName\n" + // row 1
			"\"Kylderon\nMist Valley\",,Aldous\n" + // row 2, on two lines
			"\n" + // row 3
			"Sablefin,,\n" + // row 4
			",,\n" + // row 5
			"Quiet Meadow,Kylder,Aldous\n")) // row 6
		if err != nil {
			t.Fatal(err)
		}
		for pointer, want := range map[string]string{
			"/inquiries/0/ein":                   "row 2, column ein",
			"/inquiries/0/principals/0/lastName": "row 2, column principals.3.lastName",
			"/inquiries/1":                       "row 4",
			"/inquiries/2/address/city":          "row 6, column address.city",
			"/inquiries/2/principals/1/lastName": "row 6, column principals.3.lastName",
			"/inquiries/2/principals":            "row 6, column principals",
			"/inquiries/3":                       "/inquiries/3",
			"/inquiries/x":                       "/inquiries/x",
			"/inquiries":                         "/inquiries",
			"/name":                              "/name",
		} {
			if got := f.Place(pointer); got != want {
				t.Errorf("Place(%s) = %s, want %s", pointer, got, want)
			}
		}
	})
}

func TestRead(t *testing.T) {
	t.Parallel()

	t.Run("reads or rejects a file", func(t *testing.T) {
		t.Parallel()

		dir := t.TempDir()
		for name, tt := range map[string]struct{ content, want, wantErr string }{
			"whole.json":     {content: `{"name":"x","metadata":{"team":"north"},"inquiries":[{"n":1e400}]}`, want: `{"inquiries":[{"n":1e400}],"metadata":{"team":"north"},"name":"x"}`},
			"list.json":      {content: "\ufeff [{\"a\":1}]", want: `{"inquiries":[{"a":1}],"name":"list"}`},
			"November.CSV":   {content: "businessName\nA\n", want: `{"inquiries":[{"businessName":"A"}],"name":"November"}`},
			"empty.json":     {content: `{"name":"x","inquiries":[]}`, wantErr: "the file has no inquiries"},
			"none.json":      {content: `{"name":"x"}`, wantErr: "the file has no inquiries"},
			"header.csv":     {content: "businessName\n", wantErr: "the file has no inquiries"},
			"broken.json":    {content: "{\n\"name\": \"x\",\n}", wantErr: "line 3: "},
			"text.json":      {content: `"x"`, wantErr: "the file must contain"},
			"inquiries.json": {content: `{"inquiries":{"businessName":"A"}}`, wantErr: "the file must contain"},
			"batch.txt":      {content: "x", wantErr: "must end in .json or .csv"},
		} {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := Read(path)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("Read(%s) = %v; want %q", name, err, tt.wantErr)
				}
				continue
			}
			if err != nil {
				t.Errorf("Read(%s): %v", name, err)
				continue
			}
			if data, err := json.Marshal(f); err != nil || string(data) != tt.want {
				t.Errorf("Read(%s) = %s, %v; want %s", name, data, err, tt.want)
			}
		}
		if _, err := Read(filepath.Join(dir, "absent.json")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Read of a missing file returns %v", err)
		}
	})

	t.Run("reads the sample batch", func(t *testing.T) {
		t.Parallel()

		f, err := Read(filepath.Join("..", "..", "events", "sample-batch.json"))
		if err != nil {
			t.Fatal(err)
		}
		if f.Name() == "" || f.Len() < 2 {
			t.Errorf("the sample batch is %q with %d inquiries", f.Name(), f.Len())
		}
	})
}

func TestSet(t *testing.T) {
	t.Parallel()

	t.Run("replaces a member of the file", func(t *testing.T) {
		t.Parallel()
		f, err := readJSON(strings.NewReader(`{"name":"of the file","inquiries":[{}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if f.Name() != "of the file" || f.Len() != 1 {
			t.Errorf("the name is %q, with %d inquiries", f.Name(), f.Len())
		}
		f.Set("name", "of the flag")
		if f.Name() != "of the flag" {
			t.Errorf("the name is %q", f.Name())
		}
		if data, err := json.Marshal(f); err != nil || string(data) != `{"inquiries":[{}],"name":"of the flag"}` {
			t.Errorf("the body is %s, %v", data, err)
		}
	})
}
