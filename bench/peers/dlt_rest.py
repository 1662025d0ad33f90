"""dlt_rest.py BASE_URL: dlt's rest_api source into Postgres, by its fastest loader (csv, which it COPYs). DST_URL, WORK from the environment.
Nested values stay JSON in a column, as with Sluice; by default dlt makes a table of each."""
import os, shutil, sys
import dlt
from dlt.sources.rest_api import rest_api_source

os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "NORMALIZE__WORKERS": "2", "LOAD__WORKERS": "4"}
state = os.environ["WORK"] + "/dlt-rest-state"
shutil.rmtree(state, ignore_errors=True)
source = rest_api_source({
    "client": {"base_url": sys.argv[1], "paginator": {"type": "json_link", "next_url_path": "next"}},
    "resources": [{"name": "items", "primary_key": "id", "write_disposition": "replace",
                   "endpoint": {"path": "items", "data_selector": "data"}}],
}, max_table_nesting=0)
pipeline = dlt.pipeline(pipeline_name="bench_rest", destination=dlt.destinations.postgres(os.environ["DST_URL"].split("?")[0]),
                        dataset_name="bench_dlt_rest", pipelines_dir=state)
print(pipeline.run(source, loader_file_format="csv"))
