package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
)

func TestNewMasterKeys(t *testing.T) {
	t.Parallel()

	// Another logical id would be another secret, and end every API key.
	t.Run("a new generation does not replace the earlier ones", func(t *testing.T) {
		t.Parallel()

		ids := func(generations int) []string {
			synthesis.Lock()
			defer synthesis.Unlock()
			app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())})
			stack := awscdk.NewStack(app, jsii.String("stack"), &awscdk.StackProps{})
			NewMasterKeys(stack, Props{Stage: "prod"}, generations)
			var ids []string
			for id, secret := range *assertions.Template_FromStack(stack, nil).FindResources(jsii.String("AWS::SecretsManager::Secret"), nil) {
				ids = append(ids, id)
				same(t, id+"'s deletion policy", (*secret)["DeletionPolicy"], "Retain")
			}
			slices.Sort(ids)
			return ids
		}
		one, two := ids(1), ids(2)
		if len(one) != 1 || len(two) != 2 || one[0] != two[0] || !strings.HasPrefix(two[1], "MasterKey2") {
			t.Errorf("the secrets are %v with one generation and %v with two", one, two)
		}
	})
}
