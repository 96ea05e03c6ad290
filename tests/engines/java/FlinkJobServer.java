/** Beam's Flink job server, for a cluster whose processes have Beam's jars already: it would ship all of them with each job. */
class FlinkJobServer {
    public static void main(String[] arguments) throws Exception {
        // What it takes the list of jars to ship from.
        System.setProperty("java.class.path", "");
        org.apache.beam.runners.flink.FlinkJobServerDriver.main(arguments);
    }
}
