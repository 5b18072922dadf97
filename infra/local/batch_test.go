package main

import (
	"encoding/json"
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
		"columns in any order, empty cells left out": {
			csv:  "externalId,businessName,ein\nLOAN-1,\"Kylderon, LLC\",\nLOAN-2,Sablefin,470555102\n",
			want: `[{"businessName":"Kylderon, LLC","externalId":"LOAN-1"},{"businessName":"Sablefin","ein":"470555102","externalId":"LOAN-2"}]`,
		},
		"dotted columns nest": {
			csv:  "businessName,address.city,metadata.branch\nKylderon,Eastmoor,east\n",
			want: `[{"address":{"city":"Eastmoor"},"businessName":"Kylderon","metadata":{"branch":"east"}}]`,
		},
		"principals become a list, without those a line has not": {
			csv:  "businessName,principals.0.lastName,principals.1.lastName,principals.1.ownershipPercentage\nA,,Aldous,60%\nB,Kylder,,\n",
			want: `[{"businessName":"A","principals":[{"lastName":"Aldous","ownershipPercentage":60}]},{"businessName":"B","principals":[{"lastName":"Kylder"}]}]`,
		},
		"a spreadsheet's byte order mark": {
			csv:  "\ufeffbusinessName\nKylderon\n",
			want: `[{"businessName":"Kylderon"}]`,
		},
		"an unknown column":           {csv: "businessName,adress.city\nA,B\n", wantErr: `there is no column "adress.city"`},
		"a principal without a field": {csv: "businessName,principals.0\nA,B\n", wantErr: `there is no column "principals.0"`},
		"a number that is none":       {csv: "businessName,principals.0.ownershipPercentage\nA,half\n", wantErr: "line 2, column principals.0.ownershipPercentage"},
		"a line with a cell too many": {csv: "businessName\nA,B\n", wantErr: "wrong number of fields"},
		"nothing":                     {csv: "", wantErr: "header row is missing"},
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
			data, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(data)); diff != "" {
				t.Errorf("readCSV() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadBatchSaysWhatIsWrong(t *testing.T) {
	t.Parallel()

	dir := t.TempDir()
	for name, content := range map[string]string{"empty.json": `{"name":"x","inquiries":[]}`, "batch.txt": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"empty.json":  "there is no inquiry in it",
		"batch.txt":   "must end in .json or .csv",
		"absent.json": "BATCH must name",
	} {
		if _, err := readBatch(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("readBatch(%s) = %v; want %q", name, err, want)
		}
	}
}

func TestReadTheSampleBatch(t *testing.T) {
	t.Parallel()

	s, err := readBatch(filepath.Join("..", "..", "events", "sample-batch.json"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Name == "" || len(s.Inquiries) < 2 {
		t.Errorf("the sample batch is %q with %d inquiries", s.Name, len(s.Inquiries))
	}
}
