import java.util.Arrays;

import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import software.amazon.dynamodb.services.local.main.ServerRunner;
import software.amazon.dynamodb.services.local.server.DynamoDBProxyServer;

/**
 * Starts DynamoDB Local with its usual arguments, but only on the loopback
 * interface. DynamoDB Local has no option for that and would listen on all of them.
 */
class Loopback {
    public static void main(String[] args) throws Exception {
        DynamoDBProxyServer dynamodb = ServerRunner.createServerFromCommandLineArgs(args);
        var field = DynamoDBProxyServer.class.getDeclaredField("server");
        field.setAccessible(true);
        var server = (Server) field.get(dynamodb);
        Arrays.stream(server.getConnectors()).forEach(c -> ((ServerConnector) c).setHost("127.0.0.1"));
        dynamodb.start();
        dynamodb.join();
    }
}
