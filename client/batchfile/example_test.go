package batchfile_test

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/batch-inquiries/batch-inquiries/client/batchfile"
)

// Read a spreadsheet and find the row and column that an error of the API refers to.
func ExampleRead() {
	file, err := batchfile.Read("../../events/sample-batch.csv")
	if err != nil {
		log.Fatal(err)
	}
	body, err := json.Marshal(file) // pass it to client.SubmitJSON
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(file.Name(), "has", file.Len(), "inquiries:", json.Valid(body))
	fmt.Println(file.Place("/inquiries/1/ein"))
	// Output:
	// sample-batch has 5 inquiries: true
	// row 3, column ein
}
