// Command first submits one business, waits for the result and prints it. It is the
// program in client/README.md.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/batch-inquiries/batch-inquiries/client"
)

func main() {
	ctx := context.Background()
	c, err := client.New(os.Getenv("BI_URL"), os.Getenv("BI_API_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	accepted, err := c.Submit(ctx, client.Submission{
		Name:      "November renewals",
		Inquiries: []client.InquiryInput{{BusinessName: "Kylderon Mist Valley LLC", ExternalID: "LOAN-1001"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	batch, err := c.Wait(ctx, accepted.BatchID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(batch.Status, batch.StatusReason)
	for inquiry, err := range c.Inquiries(ctx, batch.BatchID, client.InquiryFilter{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(inquiry.ExternalID, inquiry.Status, inquiry.Sources)
	}
}
