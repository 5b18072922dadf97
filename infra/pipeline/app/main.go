// Command app is the CDK app of the stack that lets the workflows deploy to one account.
// A person with administrator rights deploys it once; docs/first-deployment.md says how.
//
// Its settings are context values:
//
//   - stage is the stage of the account: staging, prod or preview.
//   - repository is the repository on GitHub as its tokens name it, such as
//     acme@123456/batch-inquiries@456789.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/batch-inquiries/batch-inquiries/infra/pipeline"
)

func main() {
	app := awscdk.NewApp(nil)
	stage, _ := app.Node().TryGetContext(jsii.String("stage")).(string)
	repository, _ := app.Node().TryGetContext(jsii.String("repository")).(string)
	props := pipeline.Props{Stage: stage, Repository: repository}
	if err := props.Check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	pipeline.NewStack(app, "batch-inquiries-pipeline", props)
	app.Synth(nil)
	jsii.Close()
}
