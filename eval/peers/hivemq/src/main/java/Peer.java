import com.hivemq.embedded.EmbeddedHiveMQ;
import java.nio.file.Path;

/** HiveMQ CE in this process: configuration, data and extensions folders are the arguments; says "ready" when it accepts. */
public final class Peer {
    public static void main(final String[] args) throws Exception {
        final EmbeddedHiveMQ hiveMQ = EmbeddedHiveMQ.builder()
                .withConfigurationFolder(Path.of(args[0]))
                .withDataFolder(Path.of(args[1]))
                .withExtensionsFolder(Path.of(args[2]))
                .build();
        hiveMQ.start().join();
        System.out.println("ready");
        System.out.flush();
        Thread.currentThread().join();
    }
}
